import { createRandom, median, shuffled } from "@nearfree/calibrate";
import type { Probe } from "@nearfree/core/measure";
import { openCells } from "../calibration/open-cells.ts";
import { type BenchEnvironment, modelsNamed } from "../setup/bench-models.ts";
import { MEASURED_N } from "./machine.ts";

/** The machines whose curves are frozen in curves/measured-curves.ts. */
const MEASURED_CELLS: readonly {
  readonly name: string;
  readonly model: string;
  readonly ep: BenchEnvironment["ep"];
}[] = [
  { name: "cpu-fp32", model: "tiny-ts-fp32", ep: "cpu" },
  { name: "cpu-int4", model: "tiny-ts-int4", ep: "cpu" },
  { name: "cpu-dense", model: "dense-70m", ep: "cpu" },
  { name: "cpu-moe", model: "moe-32x4", ep: "cpu" },
  { name: "cpu-qmoe", model: "moe-32x4-int4", ep: "cpu" },
  { name: "wasm-fp32", model: "tiny-ts-fp32", ep: "wasm" },
  { name: "wasm-int4", model: "tiny-ts-int4", ep: "wasm" },
];
const CONTEXT = 128;
const ROUNDS = 60;
/** ms of one curve at most: rounds that do not fit are left out, three at least. */
const BUDGET_MS = 8_000;
const LEAST_ROUNDS = 3;

export interface MeasuredCurve {
  readonly name: string;
  readonly baseMs: number;
  readonly points: readonly (readonly [number, number])[];
}

/** T(1) and r(n) of every such machine, each n between two forwards of one position: the numbers of curves/measured-curves.ts. */
export async function measureCurves(say: (line: string) => void): Promise<MeasuredCurve[]> {
  const curves: MeasuredCurve[] = [];
  for (const { name, model, ep } of MEASURED_CELLS) {
    const open = await openCells(modelsNamed(model)[0]!, { ep, threads: 1 });
    const curve = await sweep(await open.probe({ contextLength: CONTEXT, batch: 1 }));
    await open.release();
    say(`${name}: T(1) = ${curve.baseMs} ms, r(n) = ${JSON.stringify(curve.points)}`);
    curves.push({ name, ...curve });
  }
  return curves;
}

async function sweep(probe: Probe): Promise<Omit<MeasuredCurve, "name">> {
  const timed = async (n: number) => {
    await probe.prepare(n);
    const began = performance.now();
    await probe.run(n);
    return performance.now() - began;
  };
  for (const n of MEASURED_N) for (let i = 0; i < 2; i++) await timed(n);
  const random = createRandom(1);
  const base: number[] = [];
  const ratios = new Map<number, number[]>(MEASURED_N.map((n) => [n, []]));
  const began = performance.now();
  for (let round = 0; round < ROUNDS; round++) {
    if (round >= LEAST_ROUNDS && performance.now() - began > BUDGET_MS) break;
    let before = await timed(1);
    for (const n of shuffled(MEASURED_N.slice(1), random)) {
      const ms = await timed(n);
      const after = await timed(1);
      ratios.get(n)!.push(ms / Math.sqrt(before * after));
      base.push(after);
      before = after;
    }
  }
  const round3 = (value: number) => Math.round(value * 1000) / 1000;
  return {
    baseMs: round3(median(base)),
    points: MEASURED_N.map((n) => [n, n === 1 ? 1 : round3(median(ratios.get(n)!))] as const),
  };
}
