import { getHeapStatistics } from "node:v8";
import { parentPort, workerData } from "node:worker_threads";
import { createMutator, type Mutation } from "./mutated-model.ts";
import { summariseMutated } from "./summarise-mutated.ts";

/** Runs in a worker of its own, whose heap is limited: what does not fit ends it. */
export interface MutationCounts {
  readonly counts: Record<Mutation, { summaries: number; errors: number }>;
  readonly failures: readonly { readonly seed: number; readonly mutation: Mutation; readonly message: string }[];
  readonly slowest: { readonly ms: number; readonly seed: number; readonly mutation: Mutation | undefined };
  readonly largestFileBytes: number;
  /** Most of the heap that was seen in use after a file, garbage included. */
  readonly heapBytes: number;
}

const { files } = workerData as { readonly files: number };
const mutate = createMutator();
const counts: Partial<MutationCounts["counts"]> = {};
const failures: MutationCounts["failures"][number][] = [];
let slowest: MutationCounts["slowest"] = { ms: 0, seed: -1, mutation: undefined };
let largestFileBytes = 0;
let heapBytes = 0;
for (let seed = 0; seed < files; seed++) {
  const model = mutate(seed);
  const { mutation } = model;
  largestFileBytes = Math.max(largestFileBytes, model.bytes.length);
  const began = performance.now();
  const { outcome, message } = summariseMutated(model);
  const ms = performance.now() - began;
  if (ms > slowest.ms) slowest = { ms, seed, mutation };
  counts[mutation] ??= { summaries: 0, errors: 0 };
  if (outcome === "crash") failures.push({ seed, mutation, message });
  else counts[mutation][outcome === "summary" ? "summaries" : "errors"]++;
  heapBytes = Math.max(heapBytes, getHeapStatistics().used_heap_size);
}
parentPort?.postMessage({ counts, failures, slowest, largestFileBytes, heapBytes });
