import { NearfreeError } from "@nearfree/core";
import { INT4_BLOCK } from "./int4.ts";
import type { Matrix } from "./matrix.ts";

/** How the weights of projections are stored and multiplied; embedding and norms stay fp32. */
export type Quantisation = "fp32" | "int4" | "int8-dynamic";

/** `gqa`: one fused GroupQueryAttention node, batch 1 on the CPU EP. `decomposed`: plain operators, any batch. */
export type AttentionKind = "gqa" | "decomposed";

/** Sizes of a Llama-like decoder: RMSNorm, half-rotation rotary, grouped-query attention, SwiGLU. */
export interface DecoderShape {
  readonly vocabularySize: number;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  /** Positions that the rotary tables cover. */
  readonly contextLimit: number;
  readonly ropeTheta: number;
  readonly rmsNormEpsilon: number;
  /** Whether the head multiplies by the embedding's matrix. */
  readonly tiedHead: boolean;
  /** Makes every feed-forward a mixture of experts of `intermediateSize` each, `active` of them per position. */
  readonly experts?: { readonly count: number; readonly active: number };
}

/** How a projection's weights are stored. */
export interface WeightFormat {
  readonly quantisation: Quantisation;
  /** MatMulNBits `accuracy_level`: 0 leaves the choice to the kernel, 1 computes in fp32, 4 in int8. Default 4. */
  readonly accuracyLevel?: 0 | 1 | 4;
}

export interface DecoderSpec extends WeightFormat {
  readonly shape: DecoderShape;
  readonly attention: AttentionKind;
  /**
   * Declares a `position_ids` input, with decomposed attention. Without it, and always in GroupQueryAttention, positions
   * follow from the attention mask. Default false.
   */
  readonly positionIds?: boolean;
}

/** Weights by their checkpoint name as in Llama (`model.layers.0.mlp.up_proj.weight`) or Qwen3-MoE (`...mlp.experts.3...`). */
export interface DecoderWeights {
  /** @throws NearfreeError where there is no such matrix of these sizes. */
  matrix(name: string, rows: number, columns: number): Matrix;
  /** @throws NearfreeError where there is no such vector of this length. */
  vector(name: string, length: number): Float32Array;
}

/**
 * Checks what no kernel would report in plain words.
 * @throws NearfreeError `invalid-argument`
 */
export function checkSpec({ shape, attention, quantisation, positionIds }: DecoderSpec): void {
  const { hiddenSize, intermediateSize, heads, kvHeads, headDim, experts } = shape;
  demand(heads % kvHeads === 0, "heads", `a multiple of kvHeads ${kvHeads}`, heads);
  // GroupQueryAttention's rotary kernel works on vectors of 16 channels.
  demand(headDim % 16 === 0, "headDim", "a multiple of 16", headDim);
  demand(!positionIds || attention === "decomposed", "positionIds", "decomposed attention", attention);
  if (experts) {
    const { count, active } = experts;
    demand(active >= 1 && active <= count, "experts.active", `1 to ${count}`, active);
    demand(quantisation !== "int8-dynamic", "quantisation", "fp32 or int4 with experts", quantisation);
  }
  if (quantisation !== "int4") return;
  for (const [what, size] of Object.entries({ hiddenSize, intermediateSize, attentionSize: heads * headDim })) {
    demand(size % INT4_BLOCK === 0, what, `a multiple of the int4 block size ${INT4_BLOCK}`, size);
  }
}

function demand(holds: boolean, what: string, expected: string, received: number | string): void {
  if (holds) return;
  throw new NearfreeError({
    code: "invalid-argument",
    from: "ort-adapter",
    what,
    expected,
    received: String(received),
    remedy: "correct the decoder's spec",
  });
}
