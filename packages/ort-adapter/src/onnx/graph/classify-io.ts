import type { DataType } from "../data-type.ts";
import type { Dim, ValueInfo } from "../model.ts";

/** One half of a layer's KV cache. */
export interface KvPair {
  readonly layer: number;
  readonly part: "key" | "value";
  readonly past: string;
  /** Absent where the graph has no output for it. */
  readonly present?: string | undefined;
  readonly type?: DataType | undefined;
  /** Absent where the graph does not fix it. */
  readonly heads?: number | undefined;
  readonly headDim?: number | undefined;
}

/** What the files beside a model say of its KV cache, where its graph or its session has symbols. */
export interface KvSizes {
  readonly heads?: number | undefined;
  readonly headDim?: number | undefined;
}

/** What the inputs and outputs of a graph are, as far as names, types and shapes tell. Nothing is refused here. */
export interface IoClasses {
  readonly logits?: ValueInfo | undefined;
  readonly positionIds?: string | undefined;
  readonly attentionMask?: string | undefined;
  /** How many of the last positions get logits: 0 for all. */
  readonly logitsToKeep?: string | undefined;
  readonly kv: readonly KvPair[];
  /** State that does not rewind by length: convolutions, recurrences, state spaces. */
  readonly state: readonly string[];
}

/** Longer names are nobody's, and would be slow to match. */
const MAX_NAME = 200;
const KV_NAME =
  /^(?:past|cache|kv)\w*[._](?:[a-z]+[._])*?(\d+)[._](?:decoder[._]|self[._])?(key|value|k|v)s?$|^past_(key|value)s?(?:_values)?[._](\d+)$/;
const STATE_NAME = /^past_(?:conv|recurrent|ssm|state)|(?:conv|ssm|recurrent)_states?\b/;

/** Classifies a graph's inputs and outputs by the names that transformers.js, optimum and onnxruntime-genai give. */
export function classifyIo(inputs: readonly ValueInfo[], outputs: readonly ValueInfo[]): IoClasses {
  const named = (pattern: RegExp) => inputs.find(({ name }) => pattern.test(name))?.name;
  const outputNames = new Set(outputs.map(({ name }) => name));
  return {
    logits: outputs.find(({ name }) => name === "logits") ?? outputs.find(({ name }) => /logits$/.test(name)),
    positionIds: named(/^position_ids$/),
    attentionMask: named(/^attention_mask$/),
    logitsToKeep: named(/^(num_)?logits_to_keep$/),
    kv: inputs.flatMap((input) => kvPair(input, outputNames) ?? []),
    state: inputs.map(({ name }) => name).filter((name) => STATE_NAME.test(name)),
  };
}

function kvPair({ name, type, shape }: ValueInfo, outputs: ReadonlySet<string>): KvPair | undefined {
  const match = name.length > MAX_NAME ? null : KV_NAME.exec(name);
  if (match === null) return undefined;
  const [, layer = match[4], part = match[3]] = match;
  const candidates = [
    name.replace(/^past(_key_values)?/, "present"),
    name.replace(/^past/, "present"),
    name.replace(/^cache/, "cache_out"),
  ];
  return {
    layer: Number(layer),
    part: part?.startsWith("k") ? "key" : "value",
    past: name,
    present: candidates.find((candidate) => outputs.has(candidate)),
    type,
    heads: shape?.length === 4 ? fixed(shape[1]) : undefined,
    headDim: shape?.length === 4 ? fixed(shape[3]) : undefined,
  };
}

function fixed(dim: Dim): number | undefined {
  return typeof dim === "number" && dim > 0 ? dim : undefined;
}
