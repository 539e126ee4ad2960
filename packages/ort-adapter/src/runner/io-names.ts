import { NearfreeError } from "@nearfree/core";
import type { InferenceSession } from "onnxruntime-common";
import type { DecoderIo, FloatType, IntegerInput, KvSlot } from "./decoder-io.ts";

/** The part of a session that says what a model takes and gives. */
export type SessionIo = Pick<InferenceSession, "inputNames" | "outputNames" | "inputMetadata" | "outputMetadata">;

/** Names of a decoder's inputs and outputs; `%d` stands for the layer, as in genai_config.json. */
export interface IoTemplates {
  readonly tokens: string;
  readonly attentionMask: string;
  readonly positionIds: string;
  readonly logits: string;
  readonly pastKey: string;
  readonly pastValue: string;
  readonly presentKey: string;
  readonly presentValue: string;
}

/** What transformers.js, optimum and onnxruntime-genai write. */
export const DEFAULT_IO_TEMPLATES: IoTemplates = {
  tokens: "input_ids",
  attentionMask: "attention_mask",
  positionIds: "position_ids",
  logits: "logits",
  pastKey: "past_key_values.%d.key",
  pastValue: "past_key_values.%d.value",
  presentKey: "present.%d.key",
  presentValue: "present.%d.value",
};

const LOGITS_TO_KEEP = ["num_logits_to_keep", "logits_to_keep"];
const STATE_THAT_CANNOT_REWIND = /^past_(conv|recurrent|ssm|state)|conv_state|ssm_state|recurrent_state/;

type Shape = readonly (number | string)[];
interface Value {
  readonly name: string;
  readonly type: string;
  readonly shape: Shape;
}
type Values = ReadonlyMap<string, Value>;

/**
 * Resolves what each input and output of a decoder is, from names, types and shapes alone.
 *
 * @throws NearfreeError `unsupported-model`, naming the offender: no KV cache, state that does not rewind by length, quantised or
 *   fixed-size KV, a head pruned to the last position, a fixed batch or sequence, inputs that nobody knows how to feed.
 */
export function resolveIo(session: SessionIo, templates: Partial<IoTemplates> = {}): DecoderIo {
  const names = { ...DEFAULT_IO_TEMPLATES, ...templates };
  const inputs = valuesOf(session.inputMetadata);
  const outputs = valuesOf(session.outputMetadata);

  const state = session.inputNames.filter((name) => STATE_THAT_CANNOT_REWIND.test(name));
  if (state.length > 0) {
    refuse(
      `state ${list(state)}`,
      "a KV cache that rewinds by length",
      "recurrent or convolutional state",
      ANOTHER_MODEL,
    );
  }
  const kv = resolveKv(inputs, outputs, names);
  const tokens = integerInput(inputs, names.tokens);
  if (tokens === undefined) {
    refuse(`input ${names.tokens}`, "token ids", `inputs ${list(session.inputNames)}`, "pass the names as ioNames");
  }
  requireFree(inputs.get(tokens.name)!, 1, "a free sequence dimension");
  const logits = resolveLogits(outputs, names.logits);
  const io: DecoderIo = {
    tokens,
    attentionMask: integerInput(inputs, names.attentionMask),
    positionIds: integerInput(inputs, names.positionIds),
    logitsToKeep: resolveLogitsToKeep(inputs),
    logits: { name: logits.name, type: logits.type },
    kv,
    vocabularySize: logits.columns,
  };
  refuseUnknownInputs(session.inputNames, io);
  return io;
}

const ANOTHER_MODEL = "use a model whose whole state is a KV cache";
const ANOTHER_EXPORT = "export the model again in the transformers.js layout";

function valuesOf(metadata: readonly InferenceSession.ValueMetadata[]): Values {
  const values = new Map<string, Value>();
  for (const value of metadata) {
    values.set(
      value.name,
      value.isTensor
        ? { name: value.name, type: value.type, shape: value.shape }
        : { name: value.name, type: "not a tensor", shape: [] },
    );
  }
  return values;
}

function integerInput(inputs: Values, name: string): IntegerInput | undefined {
  const value = inputs.get(name);
  if (value === undefined) return undefined;
  requireFreeBatch(value);
  if (value.type !== "int64" && value.type !== "int32") {
    refuse(`input ${name}`, "int64 or int32", describe(value), ANOTHER_EXPORT);
  }
  return { name, type: value.type };
}

function resolveLogitsToKeep(inputs: Values): DecoderIo["logitsToKeep"] {
  const value = LOGITS_TO_KEEP.map((name) => inputs.get(name)).find((found) => found !== undefined);
  if (value === undefined) return undefined;
  if (value.type !== "int64" && value.type !== "int32") {
    refuse(`input ${value.name}`, "int64 or int32", describe(value), ANOTHER_EXPORT);
  }
  return { name: value.name, type: value.type, scalar: value.shape.length === 0 };
}

function resolveKv(inputs: Values, outputs: Values, names: IoTemplates): KvSlot[] {
  const keyOf = layerPattern(names.pastKey);
  const layers = [...inputs.keys()]
    .map((name) => keyOf.exec(name)?.[1])
    .filter((layer) => layer !== undefined)
    .sort((a, b) => Number(a) - Number(b));
  if (layers.length === 0) {
    const received = `inputs ${list([...inputs.keys()])}`;
    refuse(
      "KV cache",
      `inputs like ${fill(names.pastKey, "0")}`,
      received,
      "export the model with its past (use_cache)",
    );
  }
  return layers.flatMap((layer) => [
    kvSlot(inputs, outputs, fill(names.pastKey, layer), fill(names.presentKey, layer)),
    kvSlot(inputs, outputs, fill(names.pastValue, layer), fill(names.presentValue, layer)),
  ]);
}

function kvSlot(inputs: Values, outputs: Values, past: string, present: string): KvSlot {
  const value = inputs.get(past);
  if (value === undefined) refuse(`input ${past}`, "a value beside every key", "no such input", ANOTHER_EXPORT);
  const output = outputs.get(present);
  if (output === undefined) refuse(`output ${present}`, `the counterpart of ${past}`, "no such output", ANOTHER_EXPORT);
  if (value.type !== "float32" && value.type !== "float16") {
    refuse(
      `input ${past}`,
      "a float32 or float16 KV cache",
      describe(value),
      "export the model without a quantised cache",
    );
  }
  if (output.type !== value.type) refuse(`output ${present}`, value.type, output.type, ANOTHER_EXPORT);
  requireFreeBatch(value);
  const [, heads, sequence, headDim] = value.shape;
  if (value.shape.length !== 4 || typeof heads !== "number" || typeof headDim !== "number") {
    refuse(
      `input ${past}`,
      "[batch, heads, sequence, head size] with both sizes fixed",
      describe(value),
      ANOTHER_EXPORT,
    );
  }
  if (typeof sequence === "number") {
    refuse(
      `input ${past}`,
      "a KV cache whose length is free",
      describe(value),
      "export it without a window or static cache",
    );
  }
  return { past, present, type: value.type, heads, headDim };
}

function resolveLogits(outputs: Values, name: string): { name: string; type: FloatType; columns: number | undefined } {
  const value = outputs.get(name);
  if (value === undefined) {
    refuse(`output ${name}`, "logits", `outputs ${list([...outputs.keys()])}`, "pass the names as ioNames");
  }
  if (value.type !== "float32" && value.type !== "float16") {
    refuse(`output ${name}`, "float32 or float16", describe(value), ANOTHER_EXPORT);
  }
  if (value.shape.length === 2 || typeof value.shape[1] === "number") refusePrunedHead(name, describe(value));
  const columns = value.shape[2];
  return { name, type: value.type, columns: typeof columns === "number" ? columns : undefined };
}

/** @throws NearfreeError `unsupported-model`: the model gives logits of the last position only. */
export function refusePrunedHead(name: string, received: string): never {
  refuse(`output ${name}`, "logits of every position", received, "export the model without prune_lm_head");
}

function refuseUnknownInputs(inputNames: readonly string[], io: DecoderIo): void {
  const known = new Set([io.tokens.name, io.attentionMask?.name, io.positionIds?.name, io.logitsToKeep?.name]);
  for (const slot of io.kv) known.add(slot.past);
  const unknown = inputNames.filter((name) => !known.has(name));
  if (unknown.length > 0) {
    refuse(
      `inputs ${list(unknown)}`,
      "tokens, mask, positions and KV cache only",
      "inputs of unknown meaning",
      ANOTHER_EXPORT,
    );
  }
}

function requireFreeBatch(value: Value): void {
  const batch = value.shape[0];
  if (typeof batch === "number" && batch > 1)
    refuse(`input ${value.name}`, "a batch of 1", describe(value), ANOTHER_EXPORT);
}

function requireFree(value: Value, axis: number, expected: string): void {
  if (typeof value.shape[axis] === "number") refuse(`input ${value.name}`, expected, describe(value), ANOTHER_EXPORT);
}

function layerPattern(template: string): RegExp {
  const [before = "", after = ""] = template.split("%d").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${before}(\\d+)${after}$`);
}

function fill(template: string, layer: string): string {
  return template.replace("%d", () => layer);
}

function describe({ type, shape }: Value): string {
  return `${type} [${shape.join(", ")}]`;
}

function list(names: readonly string[]): string {
  const shown = names.slice(0, 6).join(", ");
  return names.length > 6 ? `${shown} and ${names.length - 6} more` : shown;
}

function refuse(what: string, expected: string, received: string, remedy: string): never {
  throw new NearfreeError({ code: "unsupported-model", from: "ort-adapter", what, expected, received, remedy });
}
