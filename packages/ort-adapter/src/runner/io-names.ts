import type { InferenceSession } from "onnxruntime-common";
import { biasName, PAST_LENGTH, windowOfBias } from "../rewrite/lean-inputs.ts";
import type { DeclaredIo, FloatType, IntegerInput, IntegerType, MaskType } from "./decoder-io.ts";
import { DEFAULT_IO_TEMPLATES, type IoTemplates } from "./io-templates.ts";
import {
  ANOTHER_EXPORT,
  describeValue,
  fixedDim,
  listNames,
  refuse,
  type Value,
  type Values,
  valuesOf,
} from "./io-values.ts";
import { resolveKvSlots } from "./kv-slots.ts";

/** The part of a session that says what a model takes and gives. */
export type SessionIo = Pick<InferenceSession, "inputNames" | "outputNames" | "inputMetadata" | "outputMetadata">;

const LOGITS_TO_KEEP = ["num_logits_to_keep", "logits_to_keep"];
const CACHE_BRANCH = "use_cache_branch";
const EMBEDDINGS = "inputs_embeds";
const STATE_THAT_CANNOT_REWIND = /^past_(conv|recurrent|ssm|state)|conv_state|ssm_state|recurrent_state/;

/**
 * Resolves what each input and output of a decoder is, from names, types and shapes alone.
 *
 * @throws NearfreeError `unsupported-model`, naming the offender: no KV cache, state that does not rewind by length, quantised or
 *   fixed-size KV, a head pruned to the last position, a fixed batch or sequence, a search or embeddings in place of tokens and
 *   logits, inputs that nobody knows how to feed.
 */
export function resolveIo(session: SessionIo, templates: Partial<IoTemplates> = {}): DeclaredIo {
  const names = { ...DEFAULT_IO_TEMPLATES, ...templates };
  const inputs = valuesOf(session.inputMetadata);
  const outputs = valuesOf(session.outputMetadata);

  refuseState(session.inputNames.filter((name) => STATE_THAT_CANNOT_REWIND.test(name)));
  refuseSearch(outputs, names.logits);
  const tokens = resolveTokens(session, inputs, names.tokens);
  const kv = resolveKvSlots(inputs, outputs, names);
  const oneToken = fixedDim(inputs.get(tokens.name)!.shape[1]) === 1;
  const logits = resolveLogits(outputs, names.logits, oneToken);
  const io: DeclaredIo = {
    tokens,
    oneToken,
    attentionMask: resolveMask(inputs, names.attentionMask),
    positionIds: resolvePositions(inputs, names.positionIds),
    logitsToKeep: resolveLogitsToKeep(inputs),
    cacheBranch: inputs.get(CACHE_BRANCH)?.type === "bool" ? { name: CACHE_BRANCH, onEmpty: true } : undefined,
    logits: { name: logits.name, type: logits.type },
    lean: resolveLean(session.inputNames),
    kv,
    vocabularySize: logits.columns,
  };
  refuseUnknownInputs(session.inputNames, io);
  return io;
}

function resolveLean(inputNames: readonly string[]): DeclaredIo["lean"] {
  const windows = inputNames.map(windowOfBias).filter((window) => window !== null);
  const pastLength = inputNames.includes(PAST_LENGTH);
  return pastLength || windows.length > 0 ? { pastLength, windows } : undefined;
}

/** @throws NearfreeError `unsupported-model` where there is state beside the KV cache, whose inputs are `names`. */
export function refuseState(names: readonly string[]): void {
  if (names.length === 0) return;
  const remedy = "use a model whose whole state is a KV cache";
  refuse(`state ${listNames(names)}`, "a KV cache that rewinds by length", "recurrent or convolutional state", remedy);
}

function refuseSearch(outputs: Values, logits: string): void {
  if (outputs.has(logits) || !outputs.has("sequences")) return;
  const received = "output sequences: a graph that searches by itself (BeamSearch, GreedySearch, Sampling)";
  refuse(`output ${logits}`, "logits of every position", received, "export the decoder alone");
}

function resolveTokens(session: SessionIo, inputs: Values, name: string): IntegerInput {
  const value = inputs.get(name);
  if (value === undefined) {
    const embeds = inputs.get(EMBEDDINGS);
    if (embeds !== undefined) {
      const remedy = "export the decoder with its embedding, so that it takes input_ids";
      refuse(`input ${EMBEDDINGS}`, `token ids (${name})`, `embeddings, ${describeValue(embeds)}`, remedy);
    }
    refuse(`input ${name}`, "token ids", `inputs ${listNames(session.inputNames)}`, "pass the names as ioNames");
  }
  const type = integerType(value);
  requireRank(value, [2], "[batch, sequence]");
  requireFreeBatch(value, 0);
  if ((fixedDim(value.shape[1]) ?? 1) > 1) {
    refuse(`input ${name}`, "a free sequence dimension", describeValue(value), ANOTHER_EXPORT);
  }
  return { name, type };
}

function resolvePositions(inputs: Values, name: string): DeclaredIo["positionIds"] {
  const value = inputs.get(name);
  if (value === undefined) return undefined;
  const type = integerType(value);
  requireRank(value, [1, 2, 3], "[sequence], [batch, sequence] or [3, batch, sequence]");
  const rank = value.shape.length as 1 | 2 | 3;
  if (rank === 3 && (fixedDim(value.shape[0]) ?? 3) !== 3) {
    refuse(`input ${name}`, "three rows of positions", describeValue(value), ANOTHER_EXPORT);
  }
  if (rank > 1) requireFreeBatch(value, rank - 2);
  return { name, type, rank };
}

/** A mask of ones means the same in each of its types; a mask with a row for every query does not. */
function resolveMask(inputs: Values, name: string): DeclaredIo["attentionMask"] {
  const value = inputs.get(name);
  if (value === undefined) return undefined;
  const types: readonly string[] = ["int64", "int32", "float32", "bool"] satisfies MaskType[];
  if (value.shape.length !== 2 || !types.includes(value.type)) {
    const remedy = "export the model with a mask of the positions, [batch, total]";
    refuse(`input ${name}`, "int64, int32, float32 or bool [batch, total]", describeValue(value), remedy);
  }
  requireFreeBatch(value, 0);
  if (fixedDim(value.shape[1]) !== undefined) {
    refuse(`input ${name}`, "a free total length", describeValue(value), "export it without a static cache");
  }
  return { name, type: value.type as MaskType };
}

function resolveLogitsToKeep(inputs: Values): DeclaredIo["logitsToKeep"] {
  const value = LOGITS_TO_KEEP.map((name) => inputs.get(name)).find((found) => found !== undefined);
  if (value === undefined) return undefined;
  return { name: value.name, type: integerType(value), scalar: value.shape.length === 0 };
}

function resolveLogits(
  outputs: Values,
  name: string,
  oneToken: boolean,
): { name: string; type: FloatType; columns: number | undefined } {
  const value = outputs.get(name);
  if (value === undefined) {
    refuse(`output ${name}`, "logits", `outputs ${listNames([...outputs.keys()])}`, "pass the names as ioNames");
  }
  const { type, shape } = value;
  if (type !== "float32" && type !== "float16") {
    refuse(`output ${name}`, "float32 or float16", describeValue(value), ANOTHER_EXPORT);
  }
  const fixedRows = fixedDim(shape[1]) !== undefined && !oneToken;
  if (shape.length !== 3 || fixedRows) refusePrunedHead(name, describeValue(value));
  return { name, type, columns: fixedDim(shape[2]) };
}

/** @throws NearfreeError `unsupported-model`: the model gives logits of the last position only. */
export function refusePrunedHead(name: string, received: string): never {
  refuse(`output ${name}`, "logits of every position", received, "export the model without prune_lm_head");
}

function refuseUnknownInputs(inputNames: readonly string[], io: DeclaredIo): void {
  const { tokens, attentionMask, positionIds, logitsToKeep, cacheBranch } = io;
  const known = new Set([tokens.name, attentionMask?.name, positionIds?.name, logitsToKeep?.name, cacheBranch?.name]);
  for (const slot of io.kv) known.add(slot.past);
  if (io.lean?.pastLength) known.add(PAST_LENGTH);
  for (const window of io.lean?.windows ?? []) known.add(biasName(window));
  const unknown = inputNames.filter((name) => !known.has(name));
  if (unknown.length === 0) return;
  const expected = "tokens, mask, positions and KV cache only";
  refuse(`inputs ${listNames(unknown)}`, expected, "inputs of unknown meaning", ANOTHER_EXPORT);
}

function integerType(value: Value): IntegerType {
  if (value.type !== "int64" && value.type !== "int32") {
    refuse(`input ${value.name}`, "int64 or int32", describeValue(value), ANOTHER_EXPORT);
  }
  return value.type;
}

function requireRank(value: Value, ranks: readonly number[], expected: string): void {
  if (!ranks.includes(value.shape.length)) {
    refuse(`input ${value.name}`, expected, describeValue(value), ANOTHER_EXPORT);
  }
}

function requireFreeBatch(value: Value, axis: number): void {
  if ((fixedDim(value.shape[axis]) ?? 1) > 1) {
    refuse(`input ${value.name}`, "a batch of 1", describeValue(value), ANOTHER_EXPORT);
  }
}
