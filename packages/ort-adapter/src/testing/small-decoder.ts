import { buildDecoder } from "../build/decoder.ts";
import type { AttentionKind, Quantisation } from "../build/decoder-spec.ts";
import { GENERATED_SHAPES } from "../build/generated-shapes.ts";
import type { Model } from "../onnx/model.ts";
import { encodeModelToBytes } from "../onnx/write/writer.ts";

/** A decoder small enough to build and run in milliseconds. */
export const SMALL_SHAPE = GENERATED_SHAPES.tiny;

export interface SmallDecoderOptions {
  readonly attention?: AttentionKind;
  readonly quantisation?: Quantisation;
  readonly positionIds?: boolean;
  /** Changes the model before it is written. */
  readonly edit?: (model: Model) => Model;
}

/** The bytes of an ONNX model of `SMALL_SHAPE` with seeded random weights, large enough that attention matters. */
export function smallDecoder({
  attention = "gqa",
  quantisation = "fp32",
  positionIds = false,
  edit = (model) => model,
}: SmallDecoderOptions = {}): Uint8Array {
  const model = buildDecoder(
    { shape: SMALL_SHAPE, attention, quantisation, positionIds },
    {
      matrix: (name, rows, columns) => ({
        rows,
        columns,
        read: () => noise(name, rows * columns, 2 / Math.sqrt(columns)),
      }),
      vector: (_name, length) => new Float32Array(length).fill(1),
    },
  );
  return encodeModelToBytes(edit(model));
}

/** Uniform in [-scale, scale], the same for the same name: xorshift32 seeded by the name. */
function noise(name: string, length: number, scale: number): Float32Array {
  let state = 2166136261;
  for (const char of name) state = Math.imul(state ^ char.charCodeAt(0), 16777619);
  const values = new Float32Array(length);
  for (let i = 0; i < length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    values[i] = (state / 2 ** 31) * scale;
  }
  return values;
}
