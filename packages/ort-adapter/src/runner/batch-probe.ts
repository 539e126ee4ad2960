import { NearfreeError } from "@nearfree/core";
import type { Probe } from "@nearfree/core/measure";
import type { TensorConstructor } from "onnxruntime-common";
import type { KvSizes } from "../onnx/graph/classify-io.ts";
import { requireOptions } from "../require-options.ts";
import type { Feeds } from "./cache/kv-cache.ts";
import type { RunnableSession } from "./decoder-pass.ts";
import { resolveIo, type SessionIo } from "./io-names.ts";
import type { IoTemplates } from "./io-templates.ts";
import { refuse } from "./io-values.ts";
import { type Past, Sequences } from "./sequences.ts";
import { firstRun } from "./trial/first-run.ts";

/** Widest forward, where the caller names none and the context has room for it. */
const DEFAULT_MAX_POSITIONS = 64;

export interface BatchProbeOptions {
  /** The `Tensor` class of the runtime that made the session. */
  readonly Tensor: TensorConstructor;
  /** Tokens of real text. Each sequence reads a part of its own, around the end where there are too few. */
  readonly tokens: ArrayLike<number>;
  /** Positions in the KV cache of every sequence before each timed forward. */
  readonly contextLength: number;
  /** Sequences in one forward, all of the same length. */
  readonly batch: number;
  /** Most positions that the model was made for. */
  readonly contextLimit: number;
  /** Default 64, or what the context leaves. */
  readonly maxPositions?: number;
  /** Names where they are not those of transformers.js, optimum and onnxruntime-genai. */
  readonly ioNames?: Partial<IoTemplates>;
  /** Sizes of the KV cache, where the session's metadata has symbols and a file beside the model tells. */
  readonly kvSizes?: KvSizes | undefined;
}

/**
 * Measures a decoder on several sequences at once: a forward of n positions adds n to each of `batch` sequences and reads logits
 * [batch, n, vocabulary] back. The cache grows: the past of the context is fed as the runtime returned it, and what a timed
 * forward returns is dropped. `rows` are those of the first sequence.
 *
 * @throws NearfreeError `unsupported-model` where a trial shows that the model cannot run `batch` sequences on a non-empty cache
 *   (GroupQueryAttention on the CPU), or as `createSessionRunner` does; `invalid-argument`; `context-exceeded`; `run-failed`.
 */
export async function createBatchProbe(session: SessionIo & RunnableSession, given: BatchProbeOptions): Promise<Probe> {
  requireOptions({ session, options: given });
  const { Tensor: TensorClass, ioNames, kvSizes, ...options } = given;
  const { inputMetadata, outputMetadata } = session;
  requireOptions({ inputMetadata, outputMetadata, Tensor: TensorClass, tokens: options.tokens });
  checkOptions(options);
  const { contextLength, contextLimit, maxPositions = DEFAULT_MAX_POSITIONS } = options;
  const declared = resolveIo(session, ioNames);
  if (declared.lean) {
    const remedy = "measure several sequences on the model's own graph";
    refuse(`batch ${options.batch}`, "a graph that returns its whole cache", "a rewritten one", remedy);
  }
  const { io } = await firstRun(session, declared, TensorClass, { sizes: kvSizes });
  const sequences = new Sequences(session, io, TensorClass, options);
  const columns = await sequences.tryOut();
  const feeds: Feeds[] = []; // feeds[n]: of a forward of n positions on the context.
  let past: Past | undefined;
  let next = contextLength;
  let input: Feeds = {};
  const context = async () => {
    past ??= await sequences.read(contextLength);
    return past;
  };
  return {
    maxPositions: Math.min(maxPositions, contextLimit - contextLength),
    async prepare(n: number) {
      feeds[n] ??= sequences.feeds(await context(), n, n);
      input = { ...feeds[n], ...sequences.tokensFrom(next, n) };
      next += n;
    },
    async run() {
      await sequences.run(input, sequences.all);
    },
    rows: {
      columns,
      async together(n: number) {
        feeds[n] ??= sequences.feeds(await context(), n, n);
        return sequences.firstLogits(await sequences.run(feeds[n], sequences.all));
      },
      async singly(count: number) {
        const singles = new Float32Array(count * columns);
        let at = await context();
        for (let row = 0; row < count; row++) {
          const results = await sequences.run(sequences.feeds(at, 1, 1), sequences.all);
          singles.set(sequences.firstLogits(results), row * columns);
          at = sequences.pastAfter(at, 1, results);
        }
        return singles;
      },
    },
  };
}

function checkOptions(options: Omit<BatchProbeOptions, "Tensor" | "ioNames" | "kvSizes">): void {
  const { tokens, contextLength, batch, contextLimit, maxPositions = DEFAULT_MAX_POSITIONS } = options;
  const checks = [
    ["tokens", "at least one token", tokens.length, tokens.length > 0],
    [
      "contextLength",
      "an integer of at least 0",
      contextLength,
      Number.isSafeInteger(contextLength) && contextLength >= 0,
    ],
    ["batch", "an integer of at least 1", batch, Number.isSafeInteger(batch) && batch >= 1],
    ["maxPositions", "an integer of at least 1", maxPositions, Number.isSafeInteger(maxPositions) && maxPositions >= 1],
  ] as const;
  const broken = checks.find(([, , , holds]) => !holds);
  const tooLong = contextLength >= contextLimit;
  if (broken === undefined && !tooLong) return;
  const [what, expected, received] = broken ?? ["contextLength", `at most ${contextLimit - 1}`, contextLength];
  throw new NearfreeError({
    code: broken === undefined ? "context-exceeded" : "invalid-argument",
    from: "ort-adapter",
    what,
    expected,
    received: String(received),
    remedy: "change the option",
  });
}
