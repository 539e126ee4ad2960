import { Worker } from "node:worker_threads";
import { benchCommand } from "../setup/bench-command.ts";
import { checkDecoders } from "./graphs/check-decoders.ts";
import type { MutationCounts } from "./worker.ts";

const FILES = 20_000;
const QUICK_FILES = 2_000;
/** Decoders whose graph is changed, opened as they are and rewritten. */
const DECODERS = 1_000;
/** Heap of the worker that reads them: what a reader may hold beside twice the file, its own code included. */
const HEAP_MB = 64 + 2;

/** @throws the worker's own error, such as ERR_WORKER_OUT_OF_MEMORY */
function readAll(files: number): Promise<MutationCounts> {
  const worker = new Worker(new URL("./worker.js", import.meta.url), {
    workerData: { files },
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
  });
  return new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
  });
}

await benchCommand(
  "mutations",
  "damaged models: a summary, the right tokens or a clear error each",
  async ({ quick }, say) => {
    const files = quick ? QUICK_FILES : FILES;
    const { counts, failures, slowest, largestFileBytes, heapBytes } = await readAll(files);
    for (const [mutation, { summaries, errors }] of Object.entries(counts)) {
      say(`${mutation.padEnd(12)} ${summaries} summaries, ${errors} errors`);
    }
    for (const { seed, mutation, message } of failures) say(`FAILED seed ${seed} (${mutation}): ${message}`);
    say(`slowest: seed ${slowest.seed} (${slowest.mutation}), ${slowest.ms.toFixed(0)} ms`);
    const decoders = await checkDecoders(DECODERS);
    for (const [verdict, count] of Object.entries(decoders.counts)) say(`${verdict.padEnd(12)} ${count} decoders`);
    for (const { seed, what, verdict, message } of decoders.failures)
      say(`${verdict} seed ${seed} (${what}): ${message}`);
    const { wrong, crash, hang, ...others } = decoders.counts;
    return {
      summary: {
        files,
        failures: failures.length,
        decoders: DECODERS,
        decoderFailures: wrong + crash + hang,
        ...others,
        slowestMs: Math.round(slowest.ms),
        heapMb: Math.round(heapBytes / 2 ** 20),
        heapLimitMb: HEAP_MB,
        largestFileMb: Number((largestFileBytes / 2 ** 20).toFixed(2)),
      },
      counts,
      failures,
      decoders,
    };
  },
);
