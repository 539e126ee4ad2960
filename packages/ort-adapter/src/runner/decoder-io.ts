export type IntegerType = "int64" | "int32";
export type FloatType = "float32" | "float16";
/** Types that a mask of ones can be given in. */
export type MaskType = IntegerType | "float32" | "bool";

export interface IntegerInput {
  readonly name: string;
  readonly type: IntegerType;
}

/** One tensor of one layer's cache: [1, heads, positions, headDim], or keys and values packed, [2, 1, heads / 2, positions, headDim]. */
export interface KvSlot {
  readonly past: string;
  readonly present: string;
  readonly type: FloatType;
  /** As they lie in memory: of a packed slot those of keys and values together. */
  readonly heads: number;
  readonly headDim: number;
  /** Absent: no. */
  readonly packed?: boolean;
}

/** Inputs of a rewritten graph beside tokens, positions and cache. */
export interface LeanIo {
  /** Whether it takes the number of live positions. */
  readonly pastLength: boolean;
  /** Windows of its bias inputs; undefined for the one of layers that see everything. */
  readonly windows: readonly (number | undefined)[];
}

/** A slot as a session declares it: sizes that are symbols are found out by a run. */
export type DeclaredKvSlot = Omit<KvSlot, "heads" | "headDim"> & {
  readonly heads: number | undefined;
  readonly headDim: number | undefined;
};

/** The inputs and outputs of a decoder that can be verified. */
export interface DecoderIo<Slot = KvSlot> {
  readonly tokens: IntegerInput;
  /** The model takes one token a run. */
  readonly oneToken: boolean;
  readonly attentionMask: { readonly name: string; readonly type: MaskType } | undefined;
  /** `rank` 1: [n]; 2: [1, n]; 3: [3, 1, n], the same row three times (multimodal rotary positions of a text). */
  readonly positionIds: (IntegerInput & { readonly rank: 1 | 2 | 3 }) | undefined;
  /** How many of the last positions get logits (0: all), where the model takes that. `scalar`: rank 0, else [1]. */
  readonly logitsToKeep: (IntegerInput & { readonly scalar: boolean }) | undefined;
  /** The bool input [1] of a merged export that chooses the branch with a past. `onEmpty`: that branch runs on an empty past too. */
  readonly cacheBranch: { readonly name: string; readonly onEmpty: boolean } | undefined;
  readonly logits: { readonly name: string; readonly type: FloatType };
  /** Of a rewritten graph, whose presents are its new rows alone: what it wants to be told of its cache. */
  readonly lean: LeanIo | undefined;
  /** Key, then value (or both packed), of every layer in ascending order. */
  readonly kv: readonly Slot[];
  /** Columns of the logits; undefined where the metadata leaves it open. */
  readonly vocabularySize: number | undefined;
}

export type DeclaredIo = DecoderIo<DeclaredKvSlot>;
