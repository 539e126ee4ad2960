import { NearfreeError } from "@nearfree/core";
import type { Tensor, TensorConstructor } from "onnxruntime-common";
import { createInPlaceKvCache } from "../cache/in-place-kv-cache.ts";
import type { Feeds, KvArray } from "../cache/kv-cache.ts";
import { kvElements } from "../cache/kv-cache.ts";
import type { DecoderIo, KvSlot } from "../decoder-io.ts";
import type { DecoderPass } from "../decoder-pass.ts";
import { rowError } from "./compare-rows.ts";
import { RowTrial, type SingleRows, type TogetherRows, TRIAL_LENGTH, trialText } from "./row-trial.ts";
import { MOST_BOUND } from "./rows-verdict.ts";

/** Positions of the shared memory, more than the trial fills. */
const TRIAL_CAPACITY = 16;
/** Relative to the largest logit, and at least to 1. */
const TOLERANCE = { float32: 1e-3, float16: 1e-2 } as const;
/** 1000 in each element type: large enough to show in the logits, finite so that a masked position contributes 0. */
const FILLER = { float32: 1000, float16: 0x63d0 } as const;

export interface InPlaceTrial {
  readonly ids: number;
  readonly leastCapacity: number;
  /** Logits of the same forwards on the cache that is right; undefined where the model takes one token a run. */
  readonly together: TogetherRows | undefined;
  /** Of the first text's positions, one at a time. */
  readonly singles: SingleRows;
}

/**
 * Why the model cannot keep its cache in place; undefined if it can. The trial runs in memory that has more capacity than positions, the
 * rest filled with large values: all logits must agree, the live positions must have been written, and the rest must be untouched.
 */
export async function tryInPlace(
  pass: DecoderPass,
  io: DecoderIo,
  TensorClass: TensorConstructor,
  { ids, leastCapacity, together, singles }: InPlaceTrial,
): Promise<string | undefined> {
  const capacity = Math.max(TRIAL_CAPACITY, leastCapacity);
  const cache = createInPlaceKvCache(io.kv, TensorClass, { chunk: capacity, contextLimit: capacity });
  const shared: Feeds = {};
  cache.bind(capacity, shared, {});
  const memory = io.kv.map((slot) => kvElements(shared[slot.past] as Tensor));
  for (let i = 0; i < memory.length; i++) memory[i]!.fill(FILLER[io.kv[i]!.type]);
  const trial = new RowTrial(pass, cache);
  const text = trialText(ids, 0);
  const pairs: [Float32Array, Float32Array][] = [];
  let alone = 0;
  try {
    if (together === undefined) {
      for (const [i, token] of text.a.entries()) pairs.push([await trial.forward(i, [token]), singles.a[i]!]);
    } else {
      const here = await trial.together(text);
      for (const part of Object.keys(together) as (keyof TogetherRows)[]) pairs.push([here[part], together[part]]);
      const last = TRIAL_LENGTH - 1;
      // On a past that several rows at once have left, where its reference had one of single rows: their kernels round otherwise.
      alone = rowError(await trial.forward(last, [text.b[last]!]), singles.b[last]!);
    }
  } catch (error) {
    // Most models say so themselves: their present is longer than the tensor that it was given.
    if (error instanceof NearfreeError) return error.message;
    throw error;
  }
  const tolerance = TOLERANCE[io.kv[0]!.type];
  if (alone > MOST_BOUND || !pairs.every(([values, reference]) => close(values, reference, tolerance))) {
    return "other logits than with a growing cache";
  }
  const written = io.kv.every((slot, i) => holdsExactly(memory[i]!, slot, capacity, TRIAL_LENGTH));
  return written ? undefined : "a present that was not written into the shared memory";
}

function close(values: Float32Array, reference: Float32Array, tolerance: number): boolean {
  let largest = 1;
  for (const value of reference) largest = Math.max(largest, Math.abs(value));
  return (
    values.length === reference.length && values.every((v, i) => Math.abs(v - reference[i]!) <= tolerance * largest)
  );
}

/** Whether the first `length` positions of every head, and no others, were written over the filler. */
function holdsExactly(memory: KvArray, { type, heads, headDim }: KvSlot, capacity: number, length: number): boolean {
  const filler = FILLER[type];
  for (let head = 0; head < heads; head++) {
    const start = head * capacity * headDim;
    const live = memory.subarray(start, start + length * headDim);
    const rest = memory.subarray(start + length * headDim, start + capacity * headDim);
    if (live.includes(filler) || rest.some((element) => element !== filler)) return false;
  }
  return true;
}
