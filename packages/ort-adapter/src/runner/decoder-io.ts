export type IntegerType = "int64" | "int32";
export type FloatType = "float32" | "float16";

export interface IntegerInput {
  readonly name: string;
  readonly type: IntegerType;
}

/** One key or value tensor of one layer: [1, heads, positions, headDim]. */
export interface KvSlot {
  readonly past: string;
  readonly present: string;
  readonly type: FloatType;
  readonly heads: number;
  readonly headDim: number;
}

/** The inputs and outputs of a decoder that can be verified. */
export interface DecoderIo {
  readonly tokens: IntegerInput;
  readonly attentionMask: IntegerInput | undefined;
  readonly positionIds: IntegerInput | undefined;
  /** How many of the last positions get logits (0: all), where the model takes that. `scalar`: rank 0, else [1]. */
  readonly logitsToKeep: (IntegerInput & { readonly scalar: boolean }) | undefined;
  readonly logits: { readonly name: string; readonly type: FloatType };
  /** Key, then value, of every layer in ascending order. */
  readonly kv: readonly KvSlot[];
  /** Columns of the logits; undefined where the metadata leaves it open. */
  readonly vocabularySize: number | undefined;
}
