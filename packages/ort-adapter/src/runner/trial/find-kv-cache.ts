import { NearfreeError } from "@nearfree/core";
import type { Tensor, TensorConstructor } from "onnxruntime-common";
import { createClippedKvCache } from "../cache/clipped-kv-cache.ts";
import { ClippedPresent } from "../cache/clipped-present.ts";
import { createGrowingKvCache } from "../cache/growing-kv-cache.ts";
import type { InPlaceOptions } from "../cache/in-place-kv-cache.ts";
import { createInPlaceKvCache } from "../cache/in-place-kv-cache.ts";
import type { Feeds, KvCache } from "../cache/kv-cache.ts";
import { createLeanKvCache } from "../cache/lean-kv-cache.ts";
import { sampleKvCache } from "../cache/seed-kv-cache.ts";
import type { DecoderIo } from "../decoder-io.ts";
import type { DecoderPass } from "../decoder-pass.ts";
import { onDevice } from "../device-tensor.ts";
import type { FirstRun } from "./first-run.ts";
import { tryInPlace } from "./in-place-trial.ts";
import { RowTrial, TRIAL_LENGTH, trialText } from "./row-trial.ts";
import { judgeRows, type RowsVerdict } from "./rows-verdict.ts";
import { MOST_SEED_BYTES, seedBytes, tryWindow } from "./window-trial.ts";

/** How a caller may have its KV cache kept; `auto` tries in place and falls back to growing. */
export type KvCacheMode = "auto" | "in-place" | "growing";

export interface FoundKvCache {
  readonly cache: KvCache;
  /** Why rows must be run one at a time; undefined where several equal single ones. */
  readonly fault: string | undefined;
}

export interface FindKvCacheOptions extends InPlaceOptions {
  readonly mode: KvCacheMode;
  /** Positions that the narrowest attention window keeps, where somebody knows it. */
  readonly window?: number | undefined;
}

/**
 * Finds by trial which KV cache a model can have and whether it can run several rows at once; names and operators prove nothing.
 *
 * One position at a time on the growing cache (or on the only cache that runs) is the reference. Against it: several rows at once, on an
 * empty cache, on a past and after rewinds; shared memory for past and present; and a past beyond the attention window. About 25
 * forwards of up to six positions.
 *
 * @throws NearfreeError `unsupported-model` where no cache works, or where the one asked for fails.
 */
export async function findKvCache(
  pass: DecoderPass,
  first: FirstRun,
  TensorClass: TensorConstructor,
  { mode, window, ...options }: FindKvCacheOptions,
): Promise<FoundKvCache> {
  const { io, columns, ids, leastCapacity } = first;
  const inPlace = () => createInPlaceKvCache(io.kv, TensorClass, { ...options, leastCapacity });
  if (io.lean) {
    if (mode !== "auto") throw refused(mode, "a graph that returns its whole cache", "a rewritten one");
    const { cache, fault } = await judge(pass, first, TensorClass, createLeanKvCache(io, TensorClass, options));
    cache.release();
    return { cache, fault };
  }
  const needsRoom = leastCapacity > 0;
  if (needsRoom && mode === "growing") {
    throw refused(
      "growing",
      "a model that starts with an empty past",
      `one that wants ${leastCapacity} positions of room`,
    );
  }
  // The trial may be longer than a caller's context.
  const roomy = { ...options, contextLimit: Math.max(options.contextLimit, 2 * TRIAL_LENGTH), leastCapacity };
  const start = needsRoom ? createInPlaceKvCache(io.kv, TensorClass, roomy) : createGrowingKvCache(io.kv, TensorClass);
  const { cache: reference, ...verdict } = await judge(pass, first, TensorClass, start);
  const stays = await staysOnDevice(reference, io);

  // Memory of the CPU is no place for what stays on a device; onnxruntime-web 1.30 would fail at every run after such a trial.
  const failure =
    mode === "growing"
      ? "growing was asked for"
      : stays
        ? `${stays} on a device (preferredOutputLocation)`
        : reference.rowsAtOnce !== undefined
          ? "a present that is clipped to its window"
          : await tryInPlace(pass, io, TensorClass, { ...verdict, ids, leastCapacity });
  if (failure !== undefined && (mode === "in-place" || needsRoom)) {
    throw refused("in-place", "a model that writes its present into its past", failure);
  }
  const cache = failure === undefined ? inPlace() : reference;
  const beyond = window === undefined || stays ? undefined : window;
  const tried =
    beyond !== undefined &&
    beyond + 2 * TRIAL_LENGTH <= options.contextLimit &&
    seedBytes(io, beyond) <= MOST_SEED_BYTES;
  const sample = tried ? await sampleKvCache(reference, io.kv) : undefined;
  reference.release();
  if (sample === undefined || reference.rowsAtOnce !== undefined) return { cache, fault: verdict.fault };
  const compared = { columns, ids, several: verdict.fault === undefined };
  const result = await tryWindow(pass, io, TensorClass, cache, beyond!, sample, compared);
  return { cache: result.cache, fault: verdict.fault ?? result.fault };
}

interface Judged extends RowsVerdict {
  readonly cache: KvCache;
}

/** The verdict on several rows, on `cache` or, where the model keeps a window shorter than the trial, on a cache that can do with it. */
async function judge(
  pass: DecoderPass,
  first: FirstRun,
  TensorClass: TensorConstructor,
  cache: KvCache,
): Promise<Judged> {
  const { io, ids } = first;
  try {
    const alone = io.oneToken
      ? `${io.tokens.name} takes one token a run`
      : (cache.rowsAtOnce ?? TRIAL_LENGTH) < TRIAL_LENGTH
        ? `the model keeps a window of ${cache.rowsAtOnce} positions`
        : undefined;
    if (alone !== undefined) {
      const singles = await new RowTrial(pass, cache).singly(trialText(ids, 0));
      return { cache, singles, together: undefined, fault: alone };
    }
    return { cache, ...(await judgeRows(pass, cache, first)) };
  } catch (error) {
    if (!(error instanceof ClippedPresent) || cache.rowsAtOnce !== undefined) throw error;
    const clipped = createClippedKvCache(io.kv, TensorClass, error.windows);
    return judge(pass, first, TensorClass, clipped);
  }
}

/** Name of an output that the runtime leaves on a device, once it is sure that it can be read back from there. */
async function staysOnDevice(cache: KvCache, io: DecoderIo): Promise<string | undefined> {
  const held: Feeds = {};
  await cache.bind(cache.length, held, {});
  const stays = io.kv.find(({ past }) => onDevice(held[past] as Tensor));
  if (stays === undefined) return undefined;
  // A rewind into the middle of a forward has to move what it left: where the runtime keeps that out of reach, it shows here.
  cache.rewind(cache.length - 1);
  await cache.bind(cache.length, {}, {});
  return stays.present;
}

function refused(mode: KvCacheMode, expected: string, received: string): NearfreeError {
  return new NearfreeError({
    code: "unsupported-model",
    from: "ort-adapter",
    what: `kvCache ${mode}`,
    expected,
    received,
    remedy: "leave kvCache at auto",
  });
}
