import { canonicalJson, type Environment } from "../contracts/environment.ts";
import { CACHE_PASSES, keepingOf } from "./cache-work.ts";
import { type DeviceSignature, type KernelSignature, SIGNATURE_VERSION } from "./device-signature.ts";
import type { GraphSummary, KernelClass } from "./graph-summary.ts";
import { tabulatedRows } from "./kernel-table.ts";
import type { PublishedDevice } from "./published-devices.ts";
import { summaryIn } from "./summary-in.ts";
import { WEIGHT_FORMATS, withWeights } from "./what-if.ts";

/** The larger of reading and computing hides the other almost whole. */
const IDLE_COMPUTE_OVERLAP = 64;

/**
 * A signature made of a device's published peak figures and the tile table: idle compute and granularity, nothing measured. No
 * constants, no overlap lost: what it predicts is a bound on what the device can do, not what it will.
 */
export function publishedSignature(device: PublishedDevice, summary: GraphSummary): DeviceSignature {
  const { name, executionProvider, bytesPerSecond, cacheBytes, source } = device;
  const environment: Environment = {
    runtime: "published figures",
    runtimeVersion: "none",
    executionProvider,
    options: {},
    threads: 1,
    graphOptimizationLevel: "all",
    device: { adapter: name },
  };
  const flopsOf = ({ activation }: KernelClass) =>
    device.flopsPerSecond[activation === "float16" ? "float16" : "float32"];
  const kernels = standInClasses(summary).map((kernel) =>
    kernelSignature(environment, kernel, bytesPerSecond, flopsOf(kernel), IDLE_COMPUTE_OVERLAP),
  );
  return signatureOf(environment, kernels, { insideBytes: cacheBytes, beyondBytes: 4 * cacheBytes }, source);
}

/** Bytes/s that cancel in every ratio. */
const ASSUMED_BYTES_PER_SECOND = 1e10;
/** FLOPs for each byte read: less than half of what the x64 servers have that this project is measured on (about 9). */
const ASSUMED_BALANCE = 4;
/** In WebAssembly vectors are of four floats. */
const ASSUMED_WASM_BALANCE = 1;

/**
 * A signature for a device of which nothing is known but its execution provider, most cautiously: a low balance, reading and
 * computing one after the other, whole tiles from the second position on. Its ratios are of use, its milliseconds are not.
 */
export function cautiousSignature(environment: Environment, summary: GraphSummary): DeviceSignature {
  const { executionProvider } = environment;
  const balance = executionProvider === "wasm" ? ASSUMED_WASM_BALANCE : ASSUMED_BALANCE;
  // On a device the cache stays where it is.
  const copied = executionProvider === "cpu" || executionProvider === "wasm";
  const passes = (kernel: KernelClass) =>
    copied && isAttention(kernel) ? CACHE_PASSES[keepingOf(kernel, executionProvider === "cpu")] : 1;
  // A rewritten graph would not copy it.
  const forms = copied ? [summary, summaryIn(summary, "lean")] : [summary];
  const kernels = distinct(forms.flatMap(standInClasses)).map((kernel) =>
    kernelSignature(
      environment,
      kernel,
      ASSUMED_BYTES_PER_SECOND / passes(kernel),
      balance * ASSUMED_BYTES_PER_SECOND,
      1,
    ),
  );
  return signatureOf(environment, kernels, { insideBytes: 1, beyondBytes: 2 }, "the kernel table of nearfree");
}

/** The model's own classes, and those that it would have with other weights. */
function standInClasses(summary: GraphSummary): KernelClass[] {
  return distinct([summary, ...WEIGHT_FORMATS.map((format) => withWeights(summary, format))].flatMap(classesOf));
}

/** A class that counts and has no weights reads a KV cache. */
export const isAttention = ({ weight }: KernelClass) => weight === undefined;

/** The kernel classes of the modules that read weights or the KV cache, once each. */
export function classesOf({ modules }: GraphSummary): KernelClass[] {
  const counted = modules.filter(
    ({ flopsPerPosition, kvBytesPerPosition }) => flopsPerPosition > 0 || kvBytesPerPosition > 0,
  );
  return distinct(counted.map(({ kernel }) => kernel));
}

function distinct(classes: readonly KernelClass[]): KernelClass[] {
  return [...new Map(classes.map((kernel) => [canonicalJson(kernel), kernel])).values()];
}

function kernelSignature(
  environment: Environment,
  kernel: KernelClass,
  bytesPerSecond: number,
  flopsPerSecond: number,
  overlap: number,
): KernelSignature {
  return {
    kernel,
    bytesPerSecond: { inside: bytesPerSecond, beyond: bytesPerSecond },
    flopsPerSecond,
    rows: tabulatedRows(environment, kernel),
    overlap,
    nodeMs: 0,
    channelMs: 0,
  };
}

function signatureOf(
  environment: Environment,
  kernels: KernelSignature[],
  cache: DeviceSignature["cache"],
  source: string,
): DeviceSignature {
  return {
    version: SIGNATURE_VERSION,
    environment,
    origin: "published",
    measuredAt: source,
    method: 0,
    cache,
    kernels,
    elementWise: { nodeMs: 0, elementMs: 0 },
    host: { runMs: 0, copies: [{ bytes: 1, ms: 0 }] },
    run: { forwards: 0, ms: 0 },
  };
}
