/** Weights that share one scale. */
export const INT4_BLOCK = 32;

/** What a nibble of MatMulNBits means where there are no zero points: value = (nibble - 8) * scale. */
const ZERO_POINT = 8;

/** Multiples of the scale tried for a block's largest value. Beyond -8 it is clipped, and the others gain resolution. */
const EXTREMES = [-8.5, -8, -7.5, -7];

/** Symmetric 4-bit blocks in MatMulNBits' layout. */
export interface Int4Blocks {
  /** Two values a byte, the earlier in the low nibble. */
  readonly packed: Uint8Array;
  /** One per block. */
  readonly scales: Float32Array;
}

/**
 * Quantises consecutive blocks of 32 values, or of another even number. Of a few scales that put the largest value near the end of the
 * range it takes the one with the least squared error, refitted by least squares: as accurate as zero points, which cost the kernel time.
 */
export function quantiseInt4(values: Float32Array, blockSize: number = INT4_BLOCK): Int4Blocks {
  const packed = new Uint8Array(values.length / 2);
  const scales = new Float32Array(values.length / blockSize);
  for (let block = 0; block < scales.length; block++) {
    const start = block * blockSize;
    scales[block] = quantiseBlock(values.subarray(start, start + blockSize), packed, start / 2);
  }
  return { packed, scales };
}

/** Quantises one block into `packed`, from byte `at` on. Returns its scale. */
export function quantiseBlock(values: Float32Array, packed: Uint8Array, at: number): number {
  const { inverse, scale } = bestScale(values);
  for (let i = 0; i < values.length; i += 2) {
    const low = level(values[i]! * inverse) + ZERO_POINT;
    const high = level(values[i + 1]! * inverse) + ZERO_POINT;
    packed[at + i / 2] = low | (high << 4);
  }
  return scale;
}

/** The values that the blocks stand for. */
export function dequantiseInt4({ packed, scales }: Int4Blocks, blockSize: number = INT4_BLOCK): Float32Array {
  const out = new Float32Array(packed.length * 2);
  for (let i = 0; i < out.length; i++) {
    const nibble = (packed[i >> 1]! >> (4 * (i & 1))) & 15;
    out[i] = (nibble - ZERO_POINT) * scales[Math.floor(i / blockSize)]!;
  }
  return out;
}

/** `inverse` gives the levels; `scale` is the one that then fits them best. */
function bestScale(values: Float32Array): { readonly inverse: number; readonly scale: number } {
  let largest = 0;
  for (let i = 0; i < values.length; i++) {
    if (Math.abs(values[i]!) > Math.abs(largest)) largest = values[i]!;
  }
  let best = { inverse: 0, scale: 0 };
  // A block of zeros, or too small to divide by, is stored as zeros.
  if (!Number.isFinite(EXTREMES[0]! / largest)) return best;
  let bestGain = -1;
  for (const extreme of EXTREMES) {
    const inverse = extreme / largest;
    let cross = 0;
    let squares = 0;
    for (let i = 0; i < values.length; i++) {
      const q = level(values[i]! * inverse);
      cross += values[i]! * q;
      squares += q * q;
    }
    // The squared error at scale = cross / squares is sum(value^2) - cross^2 / squares.
    const gain = (cross * cross) / squares;
    if (gain > bestGain) {
      bestGain = gain;
      best = { inverse, scale: cross / squares };
    }
  }
  return best;
}

function level(scaled: number): number {
  return Math.min(7, Math.max(-8, Math.round(scaled)));
}
