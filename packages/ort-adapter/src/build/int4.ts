/** Weights that share one scale. */
export const INT4_BLOCK = 32;

const ZERO_POINT = 8;

/** Symmetric 4-bit blocks in MatMulNBits' layout: value = (nibble - 8) * scale of its block. */
export interface Int4Blocks {
  /** Two values a byte, the earlier in the low nibble. */
  readonly packed: Uint8Array;
  /** One per block of 32. */
  readonly scales: Float32Array;
}

/**
 * Quantises consecutive blocks of 32 values. The value largest in magnitude becomes exactly -8, so the whole range of
 * the nibble is used whatever its sign (the Q4_0 rule of llama.cpp).
 */
export function quantiseInt4(values: Float32Array): Int4Blocks {
  const packed = new Uint8Array(values.length / 2);
  const scales = new Float32Array(values.length / INT4_BLOCK);
  for (let block = 0; block < scales.length; block++) {
    const start = block * INT4_BLOCK;
    let extreme = 0;
    for (let i = start; i < start + INT4_BLOCK; i++) {
      if (Math.abs(values[i]!) > Math.abs(extreme)) extreme = values[i]!;
    }
    const scale = extreme / -ZERO_POINT;
    const inverse = scale === 0 ? 0 : 1 / scale;
    scales[block] = scale;
    for (let i = start; i < start + INT4_BLOCK; i += 2) {
      packed[i / 2] = nibble(values[i]! * inverse) | (nibble(values[i + 1]! * inverse) << 4);
    }
  }
  return { packed, scales };
}

function nibble(scaled: number): number {
  return Math.min(15, Math.max(0, Math.round(scaled) + ZERO_POINT));
}
