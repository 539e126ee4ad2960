import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BundledModel, bundledModel, type ExportVariant } from "@nearfree/examples";
import { buildDecoder, type DecoderSpec, GENERATED_SHAPES, randomWeights } from "@nearfree/ort-adapter";
import { isFolder, publishFolder, writeModelFile } from "@nearfree/ort-adapter/node";

/** Where generated models are kept between runs. */
const MODEL_CACHE = join(tmpdir(), "nearfree-bench-models");
/** Counts changes to the graphs that the builder makes: a new number makes every cached model stale. */
const BUILD_VERSION = 1;
const SEED = 1;

/** Bits of the weights, as far as kernels and their rounding differ by them. */
export type WeightKind = "fp32" | "int8" | "int4" | "moe" | "qmoe";

/** Where a model runs. */
export interface BenchEnvironment {
  readonly ep: "cpu" | "wasm" | "webgpu";
  readonly threads: number;
}

/** A trained model of the repository, as it is exported. */
interface BundledSource {
  readonly bundled: BundledModel;
  readonly variant: ExportVariant;
}

/** A model to measure on, small and fast ones first in `BENCH_MODELS`. */
export interface BenchModel {
  readonly name: string;
  readonly weights: WeightKind;
  /** Sequences that its attention carries at once. */
  readonly batches: readonly number[];
  /** Positions in the KV cache to calibrate at; what a forward adds must still fit. */
  readonly contexts: readonly number[];
  /** Where it is calibrated. */
  readonly environments: readonly BenchEnvironment[];
  readonly source: BundledSource | DecoderSpec;
}

/** What a GroupQueryAttention of the CPU execution provider carries on a non-empty cache. */
const ONE = [1];
const CPU_1: BenchEnvironment = { ep: "cpu", threads: 1 };
const CPU_2: BenchEnvironment = { ep: "cpu", threads: 2 };
const WASM: BenchEnvironment = { ep: "wasm", threads: 1 };
const dense70m = { shape: GENERATED_SHAPES["dense-70m"], attention: "gqa" } as const;
const dense270m = { shape: GENERATED_SHAPES["dense-270m"], attention: "gqa", quantisation: "fp32" } as const;

/** Contexts end 64 short of a model's limit: room for the widest forward. */
export const BENCH_MODELS: readonly BenchModel[] = [
  bundled("tiny-ts", "fp32", "fp32", ONE),
  bundled("tiny-ts", "int4", "int4", ONE),
  bundled("tiny-ts", "fp32-decomposed", "fp32", [1, 4]),
  bundled("tiny-ts-moe", "fp32", "moe", ONE),
  bundled("tiny-ts-moe", "int4", "qmoe", ONE),
  bundled("tiny-ts-moe", "fp32-decomposed", "moe", [1, 4]),
  generated("dense-70m-int4-acc4", "int4", [128, 1024, 4032], { ...dense70m, quantisation: "int4", accuracyLevel: 4 }),
  generated("dense-70m-int8", "int8", [128, 1024], { ...dense70m, quantisation: "int8-dynamic" }),
  generated("dense-70m-int4-acc0", "int4", [128, 1024], { ...dense70m, quantisation: "int4", accuracyLevel: 0 }),
  generated("moe-8x2", "moe", [128, 1024], mixture("moe-8x2", "fp32")),
  generated("moe-32x4", "moe", [128, 1024], mixture("moe-32x4", "fp32")),
  generated("moe-32x4-int4", "qmoe", [128, 1024], mixture("moe-32x4", "int4")),
  generated("dense-70m", "fp32", [128, 1024, 4032], { ...dense70m, quantisation: "fp32" }),
  { ...generated("dense-270m", "fp32", [128, 1024], dense270m), environments: [CPU_2] },
];

/** Every environment that may be at hand. */
const ENVIRONMENTS: readonly BenchEnvironment[] = [CPU_1, CPU_2, WASM, { ep: "webgpu", threads: 1 }];

/** Those of `ENVIRONMENTS` in the comma-separated `list` (cpu-1, wasm-1, ...); all where it is absent. @throws RangeError for an unknown one. */
export function environmentsNamed(list: string | undefined): readonly BenchEnvironment[] {
  if (list === undefined) return ENVIRONMENTS;
  const nameOf = ({ ep, threads }: BenchEnvironment) => `${ep}-${threads}`;
  return list.split(",").map((name) => {
    const environment = ENVIRONMENTS.find((each) => nameOf(each) === name.trim());
    if (environment) return environment;
    throw new RangeError(`--environments: expected some of ${ENVIRONMENTS.map(nameOf).join(", ")}; received ${name}`);
  });
}

/** Those of `models` whose names are in the comma-separated `list`; all where it is absent. @throws RangeError for an unknown name. */
export function modelsNamed(list: string | undefined, models = BENCH_MODELS): readonly BenchModel[] {
  if (list === undefined) return models;
  return list.split(",").map((name) => {
    const model = models.find((each) => each.name === name.trim());
    if (model) return model;
    throw new RangeError(`--models: expected some of ${models.map((each) => each.name).join(", ")}; received ${name}`);
  });
}

/** The model's folder in the layout of transformers.js. Built on first use and kept; its name holds a hash of what it was built from. */
export async function modelFolder({ name, source }: BenchModel): Promise<string> {
  if ("bundled" in source) return bundledModel(source.bundled, source.variant);
  const key = createHash("sha256").update(JSON.stringify([BUILD_VERSION, SEED, source]));
  const target = join(MODEL_CACHE, `${name}-${key.digest("hex").slice(0, 12)}`);
  if (await isFolder(target)) return target;
  await publishFolder(target, async (folder) => {
    await mkdir(join(folder, "onnx"));
    await writeModelFile(join(folder, "onnx", "model.onnx"), buildDecoder(source, randomWeights(SEED)));
    const config = { model_type: "llama", max_position_embeddings: source.shape.contextLimit };
    await writeFile(join(folder, "config.json"), `${JSON.stringify(config)}\n`);
  });
  return target;
}

function bundled(
  model: BundledModel,
  variant: ExportVariant,
  weights: WeightKind,
  batches: readonly number[],
): BenchModel {
  return {
    name: `${model}-${variant}`,
    weights,
    batches,
    contexts: [128, 960],
    environments: [CPU_1, CPU_2, WASM],
    source: { bundled: model, variant },
  };
}

function generated(name: string, weights: WeightKind, contexts: readonly number[], source: DecoderSpec): BenchModel {
  return { name, weights, batches: ONE, contexts, environments: [CPU_1, CPU_2], source };
}

function mixture(shape: "moe-8x2" | "moe-32x4", quantisation: "fp32" | "int4"): DecoderSpec {
  return { shape: GENERATED_SHAPES[shape], attention: "gqa", quantisation };
}
