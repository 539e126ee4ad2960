import type { Plan } from "@nearfree/core";
import { createDraft, createNgramDrafter, verifyGreedy } from "@nearfree/core";
import type { InferenceSession, OnnxValue, Tensor, TensorConstructor } from "onnxruntime-common";
import type { SessionHook } from "../hook/sequence-hook.ts";
import type { RunnableSession } from "../runner/decoder-pass.ts";
import type { SessionIo } from "../runner/io-names.ts";

/** A session of any runtime, as far as a loop by hand needs it. */
export type HandSession = RunnableSession & SessionIo;

type Results = InferenceSession.ReturnType;

/** The KV cache of `batch` sequences as a caller keeps it: grown by the runtime, cut by the caller. */
export interface HandCache {
  readonly length: number;
  readonly values: Readonly<Record<string, OnnxValue>>;
}

/** Feeds that a caller would build by hand, in the layout of transformers.js. */
export class HandFeeds {
  readonly #session: SessionIo;
  readonly #Tensor: TensorConstructor;
  readonly #batch: number;

  constructor(session: SessionIo, TensorClass: TensorConstructor, batch = 1) {
    this.#session = session;
    this.#Tensor = TensorClass;
    this.#batch = batch;
  }

  /** Adds `tokens` (the same for every sequence) to `cache`; none: to an empty one. */
  feeds(tokens: ArrayLike<number>, cache?: HandCache): Record<string, OnnxValue> {
    const length = cache?.length ?? 0;
    const rows = tokens.length;
    return {
      ...(cache?.values ?? this.#empty()),
      input_ids: this.#integers(rows, (i) => tokens[i]!),
      attention_mask: this.#integers(length + rows, () => 1),
    };
  }

  /** The first `length` positions of what a run returned. */
  cacheOf(results: Results, length: number): HandCache {
    const values: Record<string, OnnxValue> = {};
    for (const [name, value] of Object.entries(results)) {
      if (!name.startsWith("present.")) continue;
      values[name.replace("present", "past_key_values")] = this.#cut(value as Tensor, length);
    }
    return { length, values };
  }

  #cut(tensor: Tensor, length: number): Tensor {
    const [batch, heads, positions, headDim] = tensor.dims as [number, number, number, number];
    if (positions === length) return tensor;
    const data = tensor.data as Float32Array;
    const kept = new Float32Array(batch * heads * length * headDim);
    for (let at = 0; at < batch * heads; at++) {
      const from = at * positions * headDim;
      kept.set(data.subarray(from, from + length * headDim), at * length * headDim);
    }
    return new this.#Tensor("float32", kept, [batch, heads, length, headDim]);
  }

  #empty(): Record<string, OnnxValue> {
    const values: Record<string, OnnxValue> = {};
    for (const value of this.#session.inputMetadata) {
      if (!value.isTensor || !value.name.startsWith("past_key_values.")) continue;
      const [, heads, , headDim] = value.shape as number[];
      values[value.name] = new this.#Tensor("float32", new Float32Array(0), [this.#batch, heads!, 0, headDim!]);
    }
    return values;
  }

  #integers(count: number, value: (i: number) => number): Tensor {
    const data = BigInt64Array.from({ length: this.#batch * count }, (_, at) => BigInt(value(at % count)));
    return new this.#Tensor("int64", data, [this.#batch, count]);
  }
}

export interface HandLoopResult {
  readonly tokens: readonly number[];
  /** Positions of each forward. */
  readonly trace: readonly number[];
  /** Logits of each forward, prefill first. */
  readonly logits: readonly Float32Array[];
}

/** A speculative loop as its owner would write it; without a hook, a forward for each of the `positions` given (default 1 each). */
export async function handLoop(
  session: HandSession,
  TensorClass: TensorConstructor,
  { prompt, count, hook, positions = [] }: HandLoopOptions,
): Promise<HandLoopResult> {
  const feeds = new HandFeeds(session, TensorClass);
  const drafter = createNgramDrafter();
  const draft = createDraft(31);
  const tokens: number[] = [...prompt];
  const trace: number[] = [];
  const logits: Float32Array[] = [];
  drafter.reset(prompt);
  const run = async (input: readonly number[], cache?: HandCache) => {
    const results = await session.run(feeds.feeds(input, cache));
    const values = (results.logits as Tensor).data as Float32Array;
    logits.push(values.slice());
    return { results, values, columns: values.length / input.length };
  };
  let cache = feeds.cacheOf((await run(prompt.slice(0, -1))).results, prompt.length - 1);
  while (tokens.length < prompt.length + count) {
    const wanted = prompt.length + count - tokens.length;
    drafter.propose(Math.min(hook?.draftLimit() ?? draft.tokens.length, wanted - 1), draft);
    const atHand = draft.tokens.slice(0, draft.length);
    const plan: Pick<Plan, "positions" | "rows"> = hook?.plan({ draft: atHand, limit: wanted }) ?? {
      positions: positions[trace.length] ?? 1,
      rows: positions[trace.length] ?? 1,
    };
    trace.push(plan.positions);
    const input = [tokens.at(-1)!, ...atHand.slice(0, plan.positions - 1)];
    while (input.length < plan.rows) input.push(input.at(-1)!);
    const { results, values, columns } = await run(input, cache);
    const emitted = new Int32Array(plan.positions);
    const accepted = verifyGreedy(values, columns, draft.tokens, plan.positions - 1, emitted);
    const out = emitted.subarray(0, accepted + 1);
    hook?.observe(out);
    drafter.learn(out, out.length);
    tokens.push(...out);
    cache = feeds.cacheOf(results, cache.length + out.length);
  }
  return { tokens: tokens.slice(prompt.length), trace, logits };
}

export interface HandLoopOptions {
  readonly prompt: readonly number[];
  readonly count: number;
  readonly hook?: SessionHook;
  readonly positions?: readonly number[];
}
