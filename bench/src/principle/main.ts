import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { measureSignature } from "@nearfree/calibrate";
import { measureRouting, ROUTING_TOKENS } from "@nearfree/calibrate/node";
import type { Environment } from "@nearfree/core";
import { canonicalJson } from "@nearfree/core/measure";
import { classesOf, type DeviceSignature, type KernelClass } from "@nearfree/core/principle";
import {
  createModuleProbe,
  createSignatureProbes,
  type DecoderSpec,
  hasPart,
  MODULE_PARTS,
} from "@nearfree/ort-adapter";
import { summarizeFile } from "@nearfree/ort-adapter/node";
import * as ort from "onnxruntime-node";
import { openCells } from "../calibration/cells.ts";
import { benchCommand } from "../setup/bench-command.ts";
import { benchTokens } from "../setup/bench-text.ts";
import { type BenchEnvironment, type BenchModel, modelFolder, modelsNamed } from "../setup/models.ts";
import { benchCurve, type Curve } from "./case.ts";
import { FLOAT32 } from "./rivals.ts";
import { summaries } from "./summary.ts";
import { principleTable } from "./table.ts";

/** Ms that measuring one curve may take: models, modules. */
const MODEL_MS = 8_000;
const MODULE_MS = 3_000;
const QUICK_MS = 1_500;
/** Copies of a module that run one behind the other. */
const MODULE_LAYERS = 2;
/** Decoders whose modules are also measured alone: one of each family. */
const MODULE_MODELS = ["dense-70m", "dense-70m-int4-acc4", "dense-70m-int8", "moe-8x2", "moe-32x4", "moe-32x4-int4"];
const QUICK_MODELS = "tiny-ts-fp32";
const CPU = (threads: number): BenchEnvironment => ({ ep: "cpu", threads });

type Say = (line: string) => void;

interface Options {
  readonly quick: boolean;
  readonly json: boolean;
  readonly models?: string;
  readonly environments?: string;
  readonly table: boolean;
  readonly from?: readonly string[];
}

/** What one environment's curves are predicted from. */
interface Device {
  readonly environment: BenchEnvironment;
  readonly signature: DeviceSignature;
}

/** A runtime's sessions, for the probes. */
async function runtimeOf({ ep, threads }: BenchEnvironment) {
  if (ep !== "wasm") {
    const createSession = (bytes: Uint8Array) =>
      ort.InferenceSession.create(bytes, { executionProviders: [ep], intraOpNumThreads: threads });
    return { createSession, Tensor: ort.Tensor, inPlaceCache: true, threads };
  }
  const { env, InferenceSession, Tensor } = await import("onnxruntime-web");
  env.wasm.numThreads = 1;
  const createSession = (bytes: Uint8Array) => InferenceSession.create(bytes, { executionProviders: ["wasm"] });
  return { createSession, Tensor, inPlaceCache: false, threads };
}

/** Classes of the models that run in this environment. */
async function classesOfModels(models: readonly BenchModel[]): Promise<KernelClass[]> {
  // The simpler rivals know a device by its fp32 balance, whatever the models are made of.
  const classes = new Map<string, KernelClass>([[canonicalJson(FLOAT32), FLOAT32]]);
  for (const model of models) {
    const { summary } = summarizeFile(join(await modelFolder(model), "onnx", "model.onnx"));
    for (const kernel of classesOf(summary)) classes.set(canonicalJson(kernel), kernel);
  }
  return [...classes.values()];
}

async function deviceOf(environment: BenchEnvironment, models: readonly BenchModel[], say: Say): Promise<Device> {
  const { ep, threads } = environment;
  const began = performance.now();
  const runtime = await runtimeOf(environment);
  // Only the threads matter to a prediction; what else names an environment is for stores.
  const named: Environment = {
    runtime: ep === "wasm" ? "onnxruntime-web" : "onnxruntime-node",
    runtimeVersion: "",
    executionProvider: ep,
    options: {},
    threads,
    graphOptimizationLevel: "all",
    device: {},
  };
  const probes = createSignatureProbes(runtime);
  const kernels = await classesOfModels(models);
  const signature = await measureSignature(probes, { clock: () => performance.now(), environment: named, kernels });
  say(`signature of ${signature.kernels.length} classes: ${((performance.now() - began) / 1000).toFixed(1)} s`);
  return { environment, signature };
}

/** Of a mixture of experts: what one forward over a text tells of its routing, before anything is timed. */
async function routingOf(model: BenchModel): Promise<number[] | undefined> {
  if (familyOf(model) !== "moe") return undefined;
  return measureRouting(join(await modelFolder(model), "onnx", "model.onnx"), {
    tokens: await benchTokens(ROUTING_TOKENS),
    sessionOptions: { executionProviders: ["cpu"] },
  });
}

function familyOf({ weights }: BenchModel): string {
  return weights === "moe" || weights === "qmoe" ? "moe" : "dense";
}

async function benchModels(
  { environment, signature }: Device,
  models: readonly BenchModel[],
  budgetMs: number,
  say: Say,
) {
  const curves: Curve[] = [];
  for (const model of models) {
    const { summary } = summarizeFile(join(await modelFolder(model), "onnx", "model.onnx"));
    const uniqueExperts = await routingOf(model);
    const open = await openCells(model, environment);
    for (const contextLength of environment.ep === "wasm" ? model.contexts.slice(0, 1) : model.contexts) {
      const probe = await open.probe({ contextLength, batch: 1 });
      const labels = {
        name: model.name,
        family: familyOf(model),
        scope: "model",
        ...environment,
        contextLength,
      } as const;
      curves.push(await benchCurve(probe, summary, signature, { ...labels, budgetMs, uniqueExperts }));
      sayCurve(curves.at(-1)!, say);
    }
    await open.release();
  }
  return curves;
}

async function benchModules(
  { environment, signature }: Device,
  models: readonly BenchModel[],
  budgetMs: number,
  say: Say,
) {
  const curves: Curve[] = [];
  const runtime = await runtimeOf(environment);
  for (const model of models.filter(({ name }) => MODULE_MODELS.includes(name))) {
    const spec = model.source as DecoderSpec;
    // The attention of every decoder here is the same; one of them stands for it.
    const parts = MODULE_PARTS.filter(
      (part) => hasPart(spec, part) && (part !== "attention" || model.name === "dense-70m"),
    );
    for (const part of parts) {
      for (const contextLength of part === "attention" ? model.contexts : [0]) {
        const { probe, summary, release } = await createModuleProbe(spec, part, {
          ...runtime,
          layers: MODULE_LAYERS,
          contextLength,
        });
        const family = part === "attention" ? "attention" : part === "moe-ffn" ? "moe" : "dense";
        const labels = {
          name: `${model.name} ${part}`,
          family,
          scope: "module",
          ...environment,
          contextLength,
        } as const;
        curves.push(await benchCurve(probe, summary, signature, { ...labels, budgetMs }));
        await release();
        sayCurve(curves.at(-1)!, say);
      }
    }
  }
  return curves;
}

function sayCurve(
  { name, ep, threads, contextLength, measuredMs, predictedMs, tError, ratioError, cases }: Curve,
  say: Say,
): void {
  const boundaries = cases.map(
    ({ epsilon, predicted, measured, idleCompute, sameStair, limit, rivals }) =>
      `${epsilon}: ${predicted}/${measured}/${idleCompute}${sameStair ? "" : "!"} (${Object.values(rivals)
        .map(({ boundary }) => boundary)
        .join(",")}) ${epsilon === 0.1 ? limit : ""}`,
  );
  say(
    `${name} ${ep}-${threads} context ${contextLength}: T(1) ${predictedMs[0]}/${measuredMs} ms, T(n) ${percent(tError)}, r(n) ${percent(ratioError)}; predicted/measured/idle ${boundaries.join("  ")}`,
  );
}

const percent = (share: number) => (Number.isNaN(share) ? "-" : `${(100 * share).toFixed(1)}%`);

/** Everything that was asked for, one environment after the other. */
async function measureAll({ quick, models: list, environments: chosen }: Options, say: Say) {
  const models = modelsNamed(list ?? (quick ? QUICK_MODELS : undefined));
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
