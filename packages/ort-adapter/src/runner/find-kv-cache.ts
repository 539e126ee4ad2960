import { NearfreeError } from "@nearfree/core";
import type { InferenceSession, Tensor, TensorConstructor } from "onnxruntime-common";
import type { DecoderIo, KvSlot } from "./decoder-io.ts";
import type { DecoderPass } from "./decoder-pass.ts";
import { onDevice } from "./device-tensor.ts";
import { createGrowingKvCache } from "./growing-kv-cache.ts";
import type { InPlaceOptions } from "./in-place-kv-cache.ts";
import { createInPlaceKvCache } from "./in-place-kv-cache.ts";
import type { Feeds, KvArray, KvCache } from "./kv-cache.ts";
import { kvElements } from "./kv-cache.ts";

/** How a caller may have its KV cache kept; `auto` tries in place and falls back to growing. */
export type KvCacheMode = "auto" | "in-place" | "growing";

export interface FoundKvCache {
  readonly cache: KvCache;
  readonly vocabularySize: number;
}

/** The trial: a prompt, a continuation, and another continuation from the same place after a rewind. */
const PROMPT = [0, 1, 2, 3];
const CONTINUATION = [4, 5];
const OTHER = [5, 1];
const TRIAL_CAPACITY = 16;

/** Only fatal errors are logged: a model that refuses the trial is not a fault to be reported to the user. */
const QUIET: InferenceSession.RunOptions = { logSeverityLevel: 4 };

/** 1000 in each element type: large enough to show in the logits, finite so that a masked position contributes 0. */
const FILLER = { float32: 1000, float16: 0x63d0 } as const;

/**
 * Finds by trial which KV cache a model can have; names and operators prove nothing.
 *
 * The growing cache runs the trial first and is the reference: every forward must give the rows asked for and a present of past + n
 * positions. The in-place cache then runs the same trial with more capacity than positions, the rest filled with large values. It is
 * taken only if every forward ran, all logits agree, the live positions were written into the shared memory as the reference has
 * them, and the rest was not touched.
 *
 * @throws NearfreeError `unsupported-model` where not even the growing cache works, or where `in-place` was asked for and fails.
 */
export async function findKvCache(
  pass: DecoderPass,
  io: DecoderIo,
  TensorClass: TensorConstructor,
  mode: KvCacheMode,
  options: InPlaceOptions,
): Promise<FoundKvCache> {
  const growing = createGrowingKvCache(io.kv, TensorClass);
  const reference = await runTrial(pass, growing);
  const held: Feeds = {};
  await growing.bind(growing.length, held, {});
  const stays = io.kv.find(({ past }) => onDevice(held[past] as Tensor));
  // A rewind into the middle of a forward has to move what it left: where the runtime keeps that out of reach, it shows here.
  growing.rewind(growing.length - 1);
  await growing.bind(growing.length, {}, {});
  growing.rewind(0);
  const { vocabularySize } = reference;
  if (mode === "growing") return { cache: growing, vocabularySize };

  // Memory of the CPU is no place for what stays on a device; onnxruntime-web 1.30 would fail at every run after such a trial.
  const failure = stays
    ? `${stays.present} on a device (preferredOutputLocation)`
    : await tryInPlace(pass, io, TensorClass, reference);
  if (failure === undefined) {
    growing.release();
    return { cache: createInPlaceKvCache(io.kv, TensorClass, options), vocabularySize };
  }
  if (mode === "auto") return { cache: growing, vocabularySize };
  throw new NearfreeError({
    code: "unsupported-model",
    from: "ort-adapter",
    what: "kvCache in-place",
    expected: "a model that writes its present into its past",
    received: failure,
    remedy: "leave kvCache at auto",
  });
}

interface Trial {
  readonly vocabularySize: number;
  /** Logits of each forward. */
  readonly logits: readonly Float32Array[];
}

async function runTrial(pass: DecoderPass, cache: KvCache, options?: InferenceSession.RunOptions): Promise<Trial> {
  const logits: Float32Array[] = [];
  let vocabularySize = 0;
  const forward = async (tokens: readonly number[]) => {
    const result = (await pass.run(cache, tokens, 0, tokens.length, tokens.length, options))!;
    vocabularySize = result.columns;
    logits.push(result.data.slice());
  };
  await forward(PROMPT);
  await forward(CONTINUATION);
  cache.rewind(PROMPT.length);
  await forward(OTHER);
  return { vocabularySize, logits };
}

/** Why the model cannot keep its cache in place; undefined if it can. */
async function tryInPlace(
  pass: DecoderPass,
  io: DecoderIo,
  TensorClass: TensorConstructor,
  reference: Trial,
): Promise<string | undefined> {
  const cache = createInPlaceKvCache(io.kv, TensorClass, { chunk: TRIAL_CAPACITY, contextLimit: TRIAL_CAPACITY });
  const shared: Feeds = {};
  cache.bind(TRIAL_CAPACITY, shared, {});
  const memory = io.kv.map((slot) => kvElements(shared[slot.past] as Tensor));
  for (let i = 0; i < memory.length; i++) memory[i]!.fill(FILLER[io.kv[i]!.type]);
  let result: Trial;
  try {
    result = await runTrial(pass, cache, QUIET);
  } catch (error) {
    // Most models say so themselves: their present is longer than the tensor that it was given.
    if (error instanceof NearfreeError) return error.message;
    throw error;
  }
  const tolerance = io.kv[0]!.type === "float16" ? 1e-2 : 1e-3;
  const agrees = result.logits.every((logits, i) => close(logits, reference.logits[i]!, tolerance));
  if (!agrees) return "other logits than with a growing cache";
  const written = io.kv.every((slot, i) => holdsExactly(memory[i]!, slot, cache.length));
  return written ? undefined : "a present that was not written into the shared memory";
}

/** Relative to the largest reference value, and at least to 1. */
function close(values: Float32Array, reference: Float32Array, tolerance: number): boolean {
  let largest = 1;
  for (const value of reference) largest = Math.max(largest, Math.abs(value));
  return (
    values.length === reference.length && values.every((v, i) => Math.abs(v - reference[i]!) <= tolerance * largest)
  );
}

/** Whether the first `length` positions of every head, and no others, were written over the filler. */
function holdsExactly(memory: KvArray, { type, heads, headDim }: KvSlot, length: number): boolean {
  const filler = FILLER[type];
  for (let head = 0; head < heads; head++) {
    const start = head * TRIAL_CAPACITY * headDim;
    const live = memory.subarray(start, start + length * headDim);
    const rest = memory.subarray(start + length * headDim, start + TRIAL_CAPACITY * headDim);
    if (live.includes(filler) || rest.some((element) => element !== filler)) return false;
  }
  return true;
}
