import { classifyIo } from "../onnx/graph/classify-io.ts";
import type { SessionIo } from "../runner/io-names.ts";
import { refusePrunedHead, refuseState } from "../runner/io-names.ts";
import type { IoTemplates } from "../runner/io-templates.ts";
import { describeValue, fixedDim, listNames, refuse, type Value, valuesOf } from "../runner/io-values.ts";

/** What of a session may be missing: ONNX Runtime before 1.22 describes nothing. */
export type NamedSession = Pick<SessionIo, "inputNames" | "outputNames"> &
  Partial<Pick<SessionIo, "inputMetadata" | "outputMetadata">>;

/** Inputs and outputs that tell what a forward is. Those of transformers.js, optimum and onnxruntime-genai, unless named otherwise. */
export interface TellingValues {
  /** Token ids [batch, n] or [n], or embeddings [batch, n, width]. */
  readonly tokens: string;
  /** [batch, total], where the model has one. */
  readonly mask: string | undefined;
  /** Bool [1] of a merged export: false where the past is a dummy. */
  readonly branch: string | undefined;
  /** Of the first layer: its key, or key and value packed. */
  readonly past: string;
  /** What the model returns for it, where it does. */
  readonly present: string | undefined;
  /** Axis of the sequence in both, counted from the end. */
  readonly axisFromEnd: number;
  readonly logits: string;
}

const EMBEDDINGS = "inputs_embeds";
const BRANCH = "use_cache_branch";
/** Keys and values in one tensor, by the exporters that do so. */
const PACKED = /^(?:past|past_key_values)[._](\d+)$/;

/**
 * Finds them by name, and by shape where the session describes its values.
 * @throws NearfreeError `unsupported-model` where no input holds tokens or a KV cache, where state does not rewind by length, and
 *   where the head is pruned to the last position.
 */
export function tellingValues(session: NamedSession, names: IoTemplates): TellingValues {
  const { inputNames, outputNames } = session;
  const { state, kv } = classifyIo(
    inputNames.map((name) => ({ name })),
    outputNames.map((name) => ({ name })),
  );
  refuseState(state);
  const firstKey = fill(names.pastKey);
  const packed = inputNames.find((name) => PACKED.test(name));
  const key = kv.find(({ part }) => part === "key");
  const past = inputNames.includes(firstKey) ? firstKey : (key?.past ?? packed);
  const received = `inputs ${listNames(inputNames)}`;
  if (past === undefined) refuse("KV cache", `inputs like ${firstKey}`, received, RENAME);
  const tokens = [names.tokens, EMBEDDINGS].find((name) => inputNames.includes(name));
  if (tokens === undefined) {
    refuse("tokens", `an input ${names.tokens} or ${EMBEDDINGS}`, received, RENAME);
  }
  refusePruned(session, names.logits);
  const given = (name: string) => (inputNames.includes(name) ? name : undefined);
  const presents = [fill(names.presentKey), key?.present, past.replace(/^past(_key_values)?/, "present")];
  return {
    tokens,
    mask: given(names.attentionMask),
    branch: given(BRANCH),
    past,
    present: presents.find((name) => name !== undefined && outputNames.includes(name)),
    axisFromEnd: sequenceAxis(described(session.inputMetadata, past)),
    logits: names.logits,
  };
}

const RENAME = "pass the names as ioNames, or export the model with its past (use_cache)";

function refusePruned({ outputMetadata }: NamedSession, name: string): void {
  const value = described(outputMetadata, name);
  if (value === undefined || (value.shape.length === 3 && fixedDim(value.shape[1]) === undefined)) return;
  refusePrunedHead(name, describeValue(value));
}

/** The one axis beside the batch whose size is free; the last but one where shapes do not tell. */
function sequenceAxis(value: Value | undefined): number {
  const free = value?.shape.flatMap((dim, axis) => (fixedDim(dim) === undefined ? [axis] : [])) ?? [];
  const axes = free.length > 1 ? free.slice(1) : free;
  return value !== undefined && axes.length === 1 ? value.shape.length - axes[0]! : 2;
}

/** Undefined where the session does not say. */
function described(metadata: SessionIo["inputMetadata"] | undefined, name: string): Value | undefined {
  const value = metadata && valuesOf(metadata).get(name);
  return value !== undefined && value.shape.length > 0 ? value : undefined;
}

function fill(template: string): string {
  return template.replace("%d", () => "0");
}
