import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { canonicalJson } from "@nearfree/core/measure";
import type { DeviceSignature } from "@nearfree/core/principle";
import { benchCommand } from "../setup/bench-command.ts";
import { type BenchEnvironment, modelsNamed } from "../setup/bench-models.ts";
import type { Curve } from "./bench-curve.ts";
import { deviceOf } from "./device.ts";
import { benchModels } from "./model-curves.ts";
import { benchModules } from "./module-curves.ts";
import { PRINCIPLE_MODELS } from "./principle-models.ts";
import { principleTable } from "./principle-table.ts";
import type { Say } from "./say-curve.ts";
import { summaries } from "./summaries.ts";

/** Ms that measuring one curve may take: models, modules. */
const MODEL_MS = 8_000;
const MODULE_MS = 3_000;
const QUICK_MS = 1_500;
const QUICK_MODELS = "tiny-ts-fp32";
const CPU = (threads: number): BenchEnvironment => ({ ep: "cpu", threads });

interface Options {
  readonly quick: boolean;
  readonly json: boolean;
  readonly models?: string;
  readonly environments?: string;
  readonly table: boolean;
  readonly from?: readonly string[];
}

/** Everything that was asked for, one environment after the other. */
async function measureAll({ quick, models: list, environments: chosen }: Options, say: Say) {
  const models = modelsNamed(list ?? (quick ? QUICK_MODELS : undefined), PRINCIPLE_MODELS);
  const threads = quick ? [1] : [1, 2].filter((count) => count <= availableParallelism());
  const environments = [...threads.map(CPU), ...(quick ? [] : [{ ep: "wasm", threads: 1 } as const])];
  const curves: Curve[] = [];
  const signatures: DeviceSignature[] = [];
  for (const environment of environments) {
    if (chosen !== undefined && !chosen.split(",").includes(`${environment.ep}-${environment.threads}`)) continue;
    const here = models.filter((model) =>
      model.environments.some((each) => canonicalJson(each) === canonicalJson(environment)),
    );
    if (here.length === 0) continue;
    const device = await deviceOf(environment, here, say);
    signatures.push(device.signature);
    curves.push(...(await benchModels(device, here, quick ? QUICK_MS : MODEL_MS, say)));
    if (environment.ep === "cpu") curves.push(...(await benchModules(device, here, MODULE_MS, say)));
  }
  return { curves, signatures };
}

/** The curves of runs whose --json was kept: a long bench in pieces. */
function curvesIn(files: readonly string[]) {
  const curves = files.flatMap(
    (file): Curve[] => JSON.parse(readFileSync(file, "utf8").trim().split("\n").at(-1)!).curves,
  );
  return { curves, signatures: [] };
}

await benchCommand<Options>(
  "principle",
  "predicted boundaries against measured ones and idle compute",
  async (options, say) => {
    const { curves, signatures } = options.from ? curvesIn(options.from) : await measureAll(options, say);
    if (options.table) say(principleTable(curves));
    return { ...summaries(curves), curves, signatures };
  },
  (command) =>
    command
      .option("--models <names>", "some of the models, comma-separated")
      .option("--environments <names>", "some of cpu-1, cpu-2, wasm-1")
      .option("--from <files...>", "measure nothing: the curves in these files, each what --json printed")
      .option("--table", "the tables of docs/benchmarks.md as well", false),
);
