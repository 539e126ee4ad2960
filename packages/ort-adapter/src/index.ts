export { buildDecoder } from "./build/decoder.ts";
export type { AttentionKind, DecoderShape, DecoderSpec, DecoderWeights, Quantisation } from "./build/decoder-spec.ts";
export type { Matrix } from "./build/matrix.ts";
