import type { InferenceSession } from "onnxruntime-common";
import type { SessionIo } from "../runner/io-names.ts";

export type Shape = readonly (number | string)[];
export type Declared = readonly [name: string, type: string, shape: Shape];

export function declaredSession(inputs: readonly Declared[], outputs: readonly Declared[]): SessionIo {
  const metadata = (values: readonly Declared[]) =>
    values.map(([name, type, shape]) => ({ name, isTensor: true, type, shape }) as InferenceSession.ValueMetadata);
  return {
    inputNames: inputs.map(([name]) => name),
    outputNames: outputs.map(([name]) => name),
    inputMetadata: metadata(inputs),
    outputMetadata: metadata(outputs),
  };
}

export const KV: Shape = ["batch_size", 4, "past_sequence_length", 32];
export const TOKENS: Declared = ["input_ids", "int64", ["batch_size", "sequence_length"]];
export const MASK: Declared = ["attention_mask", "int64", ["batch_size", "total_sequence_length"]];
export const LOGITS: Declared = ["logits", "float32", ["batch_size", "sequence_length", 2048]];
export const past = (type = "float32", shape = KV, layers = [0]): Declared[] =>
  layers.flatMap((layer) =>
    ["key", "value"].map((part): Declared => [`past_key_values.${layer}.${part}`, type, shape]),
  );
export const present = (type = "float32", layers = [0]): Declared[] =>
  layers.flatMap((layer) => ["key", "value"].map((part): Declared => [`present.${layer}.${part}`, type, KV]));

export const decoder = (extraInputs: readonly Declared[] = [], logits = LOGITS) =>
  declaredSession([TOKENS, MASK, ...extraInputs, ...past()], [logits, ...present()]);
