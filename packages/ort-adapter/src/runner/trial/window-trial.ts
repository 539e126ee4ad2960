import type { TensorConstructor } from "onnxruntime-common";
import { createClippedKvCache } from "../cache/clipped-kv-cache.ts";
import { ClippedPresent } from "../cache/clipped-present.ts";
import type { KvCache } from "../cache/kv-cache.ts";
import { type KvSample, seedKvCache } from "../cache/seed-kv-cache.ts";
import type { DecoderIo } from "../decoder-io.ts";
import type { DecoderPass } from "../decoder-pass.ts";
import { rowErrors } from "./compare-rows.ts";
import { RowTrial, trialText } from "./row-trial.ts";

/** Rows of the forward beyond the window. */
const ROWS = 3;
/** Texts in which the same row must be off. */
const TEXTS = 3;
/** A row beyond the window that differs by more is wrong: rounding gives 1e-6, rarely 0.05 in int4; a wrong mask 0.3. */
const MOST_ERROR = 0.05;
/** A past of the window is made only where it stays below this: wrapping a model must stay cheap. */
export const MOST_SEED_BYTES = 2 ** 28;

export interface WindowVerdict {
  /** The cache to go on with, empty. */
  readonly cache: KvCache;
  /** Why rows must be run one at a time; undefined where several beyond the window equal single ones. */
  readonly fault: string | undefined;
}

/** Bytes of a cache of `length` positions. */
export function seedBytes(io: DecoderIo, length: number): number {
  return io.kv.reduce(
    (sum, { type, heads, headDim }) => sum + heads * headDim * length * (type === "float32" ? 4 : 2),
    0,
  );
}

/**
 * Walks the model over the edge of its window, on a past made of the positions of `sample` over and over: whether its present is clipped
 * there, and whether several rows beyond it equal single ones. 7 forwards, 15 in doubt.
 */
export async function tryWindow(
  pass: DecoderPass,
  io: DecoderIo,
  TensorClass: TensorConstructor,
  found: KvCache,
  window: number,
  sample: KvSample,
  { columns, ids, several }: { readonly columns: number; readonly ids: number; readonly several: boolean },
): Promise<WindowVerdict> {
  const beyond = window + 2;
  let cache = found;
  try {
    const edge = Math.max(0, window - 1);
    await seedKvCache(cache, io.kv, TensorClass, sample, edge);
    // The edge is crossed as a text would cross it: a clipped model may take no past that it would not have left.
    for (let at = edge; at < beyond; at++) await new RowTrial(pass, cache).forward(at, [0]);
  } catch (error) {
    if (!(error instanceof ClippedPresent)) throw error;
    cache = createClippedKvCache(io.kv, TensorClass, error.windows);
    await seedKvCache(cache, io.kv, TensorClass, sample, beyond);
  }
  const rows = Math.min(ROWS, cache.rowsAtOnce ?? ROWS);
  const compared = several && rows > 1;
  const fault = compared ? await compare(new RowTrial(pass, cache), beyond, rows, { columns, ids }) : undefined;
  cache.release();
  return { cache, fault };
}

async function compare(
  trial: RowTrial,
  length: number,
  rows: number,
  { columns, ids }: { readonly columns: number; readonly ids: number },
): Promise<string | undefined> {
  let off: number[] | undefined;
  for (let index = 0; index < TEXTS; index++) {
    const tokens = trialText(ids, index).a.slice(0, rows);
    const singles: Float32Array[] = [];
    for (const [i, token] of tokens.entries()) singles.push(await trial.forward(length + i, [token]));
    const errors = rowErrors(await trial.forward(length, tokens), columns, singles);
    const now = errors.flatMap((error, row) => (error > MOST_ERROR ? [row] : []));
    off = off === undefined ? now : off.filter((row) => now.includes(row));
    if (off.length === 0) return undefined;
  }
  return "beyond the attention window several rows at once give other logits than the same rows one at a time";
}
