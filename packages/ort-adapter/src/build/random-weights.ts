import type { DecoderWeights } from "./decoder-spec.ts";

/**
 * Weights of a decoder nobody trained, for measuring its speed: matrices uniform with variance 1 / columns, which keeps
 * activations near 1 through any depth, and norms of 1. The same seed and name give the same weights on every machine.
 */
export function randomWeights(seed: number): DecoderWeights {
  return {
    matrix: (name, rows, columns) => ({ rows, columns, read: () => uniform(seed, name, rows * columns, columns) }),
    vector: (_name, length) => new Float32Array(length).fill(1),
  };
}

function uniform(seed: number, name: string, length: number, columns: number): Float32Array {
  const limit = Math.sqrt(3 / columns);
  const unit = (2 * limit) / 2 ** 32;
  const out = new Float32Array(length);
  let state = hash(seed, name);
  for (let i = 0; i < length; i++) {
    // xorshift32 (Marsaglia, 2003).
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    out[i] = (state >>> 0) * unit - limit;
  }
  return out;
}

/** FNV-1a over the name, never 0, where xorshift would stay. */
function hash(seed: number, name: string): number {
  let state = (0x811c9dc5 ^ seed) >>> 0;
  for (let i = 0; i < name.length; i++) state = Math.imul(state ^ name.charCodeAt(i), 0x01000193);
  return state === 0 ? 1 : state;
}
