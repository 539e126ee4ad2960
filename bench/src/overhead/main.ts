import { loadOrCalibrate, openModel } from "@nearfree/calibrate/node";
import { heldOutPrompts, tinyTs } from "@nearfree/examples";
import { benchCommand } from "../setup/bench-command.ts";
import { batchPlanObserveUs } from "./batch-overhead.ts";
import { heapGrowthBytes, planObserveUs } from "./plan-overhead.ts";
import { forwardOverhead, type RunOverhead, wrapOverhead } from "./run-overhead.ts";

/** One: the second core is left to garbage collection, whose helpers wait for spinning workers otherwise. */
const THREADS = 1;
const POSITIONS = [1, 4, 16];

const round2 = (value: number) => Math.round(value * 100) / 100;
const worst = (overheads: readonly RunOverhead[]) => round2(Math.max(...overheads.map((each) => each.overheadUs)));
const detail = (overheads: readonly RunOverhead[]) =>
  overheads.map(({ positions, bareMs, overheadUs }) => ({
    positions,
    bareMs: round2(bareMs),
    overheadUs: round2(overheadUs),
    overheadShare: round2(overheadUs / 1000 / bareMs),
  }));

await benchCommand("overhead", "what nearfree costs beside the model", async ({ quick }, say) => {
  const model = await openModel(await tinyTs("fp32"), { threads: THREADS });
  const { profile } = await loadOrCalibrate(model);
  const context = model.codec!.encode((await heldOutPrompts()).map(({ prompt }) => prompt).join("\n")).slice(0, 256);
  const path = model.folder.modelPath;
  await model.release();

  const plan = planObserveUs(quick ? 50_000 : 500_000);
  say(`plan() + observe(): p50 ${plan.p50.toFixed(2)} us, p99 ${plan.p99.toFixed(2)} us`);
  const batches = (["padded", "flat"] as const).map((rows) => {
    const { p50, p99 } = batchPlanObserveUs(rows, quick ? 5_000 : 50_000);
    say(`plan() + observe() of 32 sequences, ${rows} rows: p50 ${p50.toFixed(1)} us, p99 ${p99.toFixed(1)} us`);
    return { rows, p50Us: round2(p50), p99Us: round2(p99) };
  });
  const growth = heapGrowthBytes(1_000_000);
  say(`a million steps: the heap grew by ${growth} bytes`);
  const rounds = quick ? 300 : 2000;
  const measure = async (what: string, overheadOf: (positions: number) => Promise<RunOverhead>) => {
    const overheads: RunOverhead[] = [];
    for (const positions of POSITIONS) {
      const each = await overheadOf(positions);
      overheads.push(each);
      say(`${what} of ${positions}: ${each.overheadUs.toFixed(1)} us over a bare run of ${each.bareMs.toFixed(3)} ms`);
    }
    return overheads;
  };
  const forwards = await measure("forward()", (positions) => forwardOverhead(path, context, positions, rounds));
  const wrap = (step: boolean) => (positions: number) =>
    wrapOverhead(path, context, positions, rounds, { profile, step });
  const wraps = await measure("run() of a wrapped session", wrap(false));
  const steps = await measure("plan(), run(), observe() of a wrapped session", wrap(true));
  return {
    summary: {
      planObserveP99Us: round2(plan.p99),
      batchPlanObserveP99Us: Math.max(...batches.map(({ p99Us }) => p99Us)),
      heapGrowthBytes: growth,
      forwardOverheadUs: worst(forwards),
      wrapOverheadUs: worst(wraps),
      wrapStepOverheadUs: worst(steps),
    },
    planObserveP50Us: round2(plan.p50),
    forwards: detail(forwards),
    batches,
    wraps: detail(wraps),
    wrapSteps: detail(steps),
  };
});
