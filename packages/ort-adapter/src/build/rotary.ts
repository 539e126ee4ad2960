import type { DecoderShape } from "./decoder-spec.ts";
import type { GraphBuilder } from "./graph-builder.ts";

/** cos and sin of the rotary angles, each row-major [positions, headDim / 2] (RoFormer, arXiv 2104.09864, eq. 15). */
export function rotaryTables(
  positions: number,
  headDim: number,
  theta: number,
): { readonly cos: Float32Array; readonly sin: Float32Array } {
  const half = headDim / 2;
  const cos = new Float32Array(positions * half);
  const sin = new Float32Array(positions * half);
  for (let i = 0; i < half; i++) {
    const frequency = theta ** ((-2 * i) / headDim);
    for (let p = 0; p < positions; p++) {
      cos[p * half + i] = Math.cos(p * frequency);
      sin[p * half + i] = Math.sin(p * frequency);
    }
  }
  return { cos, sin };
}

/** Names of the two tables as constants of the graph. */
export interface RotaryCaches {
  readonly cos: string;
  readonly sin: string;
}

export function addRotaryCaches(g: GraphBuilder, shape: DecoderShape): RotaryCaches {
  const { cos, sin } = rotaryTables(shape.contextLimit, shape.headDim, shape.ropeTheta);
  const dims = [shape.contextLimit, shape.headDim / 2];
  return {
    cos: g.constant("cos_cache", "float32", dims, cos),
    sin: g.constant("sin_cache", "float32", dims, sin),
  };
}
