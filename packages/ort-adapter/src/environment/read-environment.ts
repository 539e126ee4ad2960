import type { Environment } from "@nearfree/core";
import type { InferenceSession } from "onnxruntime-common";

/** What an environment is read from. Nothing is looked up here, so that it works for any runtime and device. */
export interface EnvironmentParts {
  /** npm package of the runtime. */
  readonly runtime: string;
  /** `env.versions.common` of the runtime, or the version in its package.json. */
  readonly runtimeVersion: string;
  /** The options that the session was created with. */
  readonly sessionOptions?: InferenceSession.SessionOptions | undefined;
  /** The provider that the runtime takes when the options name none. Default `cpu`. */
  readonly defaultExecutionProvider?: string | undefined;
  /** Intra-op threads when the options name none: `0` stands for the runtime's own choice on this device. Default 0. */
  readonly defaultThreads?: number | undefined;
  readonly device: Environment["device"];
  /** Environment variables of the process, where there are any. */
  readonly variables?: Readonly<Record<string, string | undefined>> | undefined;
}

/** Session options that change a forward's kernels, its memory or what it copies. */
const SESSION_OPTIONS = [
  "enableCpuMemArena",
  "enableMemPattern",
  "enableGraphCapture",
  "executionMode",
  "freeDimensionOverrides",
  "interOpNumThreads",
  "preferredOutputLocation",
] as const satisfies readonly (keyof InferenceSession.SessionOptions)[];

/**
 * Configuration entries (`extra`, e.g. `session.disable_prepacking`) all count, but for these: paths, logs, profiles,
 * and how the model is loaded. An entry too many costs a measurement; one too few would serve a wrong profile.
 */
const ENTRIES_WITHOUT_EFFECT =
  /(^|[._])(file|filename|filepath|path|folder|log|log_id|profiling)([._]|$)|stats_to_file|partition_config|^session\.(load_model_format|save_model_format|record_|use_env_allocators)/;

/** Variables that ONNX Runtime 1.30 reads and that change kernels or threads. */
const VARIABLES =
  /^ORT_(INTRA_OP_NUM_THREADS|INTER_OP_NUM_THREADS|GQA_|MLAS_|(DISABLE|ENABLE)_\w*(ATTENTION|DECODE|XQA|FUSION)|FLASH_|MHA_|QMOE_|MATMULNBITS_|FPA_)|^OMP_NUM_THREADS$/;

/** Which Vulkan driver a WebGPU provider gets: a software one costs a thousand times more. File names count, their folders do not. */
const VULKAN_DRIVERS = /^VK_(ICD_FILENAMES|DRIVER_FILES|ADD_DRIVER_FILES|LOADER_DRIVERS_SELECT)$/;

/**
 * The hard key of a profile besides the model: runtime, provider, device, and every option that can change kernels, cost or
 * bits. No paths, host names or times. Equal settings give equal environments, whatever the order of their keys.
 */
export function readEnvironment(parts: EnvironmentParts): Environment {
  const options = parts.sessionOptions ?? {};
  const providers = (options.executionProviders ?? []).map((each) =>
    typeof each === "string" ? { name: each } : each,
  );
  const [first = { name: parts.defaultExecutionProvider ?? "cpu" }, ...fallbacks] = providers;
  const read: [string, Scalar][] = [];
  for (const name of SESSION_OPTIONS) read.push(...scalarsOf(name, options[name]));
  read.push(...scalarsOf("", options.extra).filter(([name]) => !ENTRIES_WITHOUT_EFFECT.test(name)));
  for (const provider of providers) {
    const { name, ...settings } = provider;
    read.push(...scalarsOf(name, settings).filter(([key]) => !ENTRIES_WITHOUT_EFFECT.test(snakeCase(key))));
  }
  // What the first provider lacks falls to the next one, which then counts as much.
  if (fallbacks.length > 0) read.push(["executionProviders", providers.map(({ name }) => name).join(",")]);
  for (const [name, value] of Object.entries(parts.variables ?? {})) {
    if (value === undefined) continue;
    if (VARIABLES.test(name)) read.push([name, value]);
    else if (VULKAN_DRIVERS.test(name)) read.push([name, value.replace(/[^:;,]*[/\\]/g, "")]);
  }
  return {
    runtime: parts.runtime,
    runtimeVersion: parts.runtimeVersion,
    executionProvider: first.name,
    options: Object.fromEntries(read.sort(([a], [b]) => (a < b ? -1 : 1))),
    threads: options.intraOpNumThreads || (parts.defaultThreads ?? 0),
    graphOptimizationLevel: options.graphOptimizationLevel ?? "all",
    device: Object.fromEntries(Object.entries(parts.device).sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

type Scalar = string | number | boolean;

/** The settings in a value by dotted name; objects of the platform (a GPUDevice) and functions are no settings. */
function scalarsOf(name: string, value: unknown): [string, Scalar][] {
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return [[name, value]];
  if (Array.isArray(value)) return value.length === 0 ? [] : [[name, value.join(",")]];
  if (typeof value !== "object" || value === null || Object.getPrototypeOf(value) !== Object.prototype) return [];
  return Object.entries(value).flatMap(([key, inner]) => scalarsOf(name === "" ? key : `${name}.${key}`, inner));
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
