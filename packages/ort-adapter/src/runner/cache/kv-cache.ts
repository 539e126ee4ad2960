import type { OnnxValue, Tensor, TensorConstructor } from "onnxruntime-common";
import type { FloatType, KvSlot } from "../decoder-io.ts";
import { bitsOf, keepAsBits } from "../half-bits.ts";

/** Named tensors that go into a run. */
export type Feeds = Record<string, OnnxValue>;
/** Outputs to fetch: a tensor to be written in place, or null for a new one. */
export type Fetches = Record<string, OnnxValue | null>;
/** What a run returned. */
export type Results = Readonly<Record<string, OnnxValue>>;

/**
 * The KV cache of one sequence, as one strategy keeps it. A forward is `bind`, run, `commit`; when the run fails, `commit` is not
 * called and the cache is as it was.
 */
export interface KvCache {
  readonly mode: "in-place" | "growing" | "lean";
  /** Positions held. */
  readonly length: number;
  /** Most positions that a forward may add: more would be lost. Absent: any number. */
  readonly rowsAtOnce?: number;
  /**
   * Makes room for `total` positions and names the past in `feeds` and the present in `fetches`. A promise where the past has to be
   * read back from a device first. @throws NearfreeError `unsupported-model` where the runtime cannot.
   */
  bind(total: number, feeds: Feeds, fetches: Fetches): void | Promise<void>;
  /**
   * Takes over what the run left: the cache now holds `total` positions.
   * @throws ClippedPresent where the run left fewer positions than this cache can do with. The cache is then unchanged.
   */
  commit(total: number, results: Results): void;
  /** Forgets every position from `length` on; 0 <= length <= this.length. */
  rewind(length: number): void;
  /** Drops every buffer. */
  release(): void;
}

/** Elements of a KV tensor: float16 travels as its 16 bits. */
export type KvArray = Float32Array | Uint16Array;

export function kvArray(type: FloatType, size: number): KvArray {
  return type === "float32" ? new Float32Array(size) : new Uint16Array(size);
}

/** The elements of a KV tensor that the runtime made; float16 data is seen as its 16 bits on every runtime. */
export function kvElements(tensor: Tensor): KvArray {
  const { data } = tensor;
  if (data instanceof Float32Array || data instanceof Uint16Array) return data;
  return bitsOf(data as unknown as Uint16Array); // Float16Array, on runtimes that have it.
}

/** `data` [batch, heads, positions, headDim] as a tensor of the slot's shape. */
export function kvTensor(
  TensorClass: TensorConstructor,
  slot: KvSlot,
  data: KvArray,
  positions: number,
  batch = 1,
): Tensor {
  return keepAsBits(new TensorClass(slot.type, data, kvShape(slot, batch, positions)));
}

export function kvShape({ heads, headDim, packed }: KvSlot, batch: number, positions: number): number[] {
  return packed ? [2, batch, heads / 2, positions, headDim] : [batch, heads, positions, headDim];
}

/** Positions that a KV tensor has room for. */
export function kvPositions({ dims }: Tensor): number {
  return dims.at(-2) ?? 0;
}
