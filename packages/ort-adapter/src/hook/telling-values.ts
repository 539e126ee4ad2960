import { NearfreeError } from "@nearfree/core";
import type { InferenceSession } from "onnxruntime-common";
import { classifyIo } from "../onnx/graph/classify-io.ts";
import type { IoTemplates, SessionIo } from "../runner/io-names.ts";
import { refusePrunedHead } from "../runner/io-names.ts";

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
  if (state.length > 0) {
    const received = "recurrent or convolutional state";
    const what = `state ${listed(state)}`;
    throw unsupported(
      what,
      "a KV cache that rewinds by length",
      received,
      "use a model whose whole state is a KV cache",
    );
  }
  const firstKey = fill(names.pastKey);
  const packed = inputNames.find((name) => PACKED.test(name));
  const key = kv.find(({ part }) => part === "key");
  const past = inputNames.includes(firstKey) ? firstKey : (key?.past ?? packed);
  const received = `inputs ${listed(inputNames)}`;
  if (past === undefined) throw unsupported("KV cache", `inputs like ${firstKey}`, received, RENAME);
  const tokens = [names.tokens, EMBEDDINGS].find((name) => inputNames.includes(name));
  if (tokens === undefined) {
    throw unsupported("tokens", `an input ${names.tokens} or ${EMBEDDINGS}`, received, RENAME);
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
    axisFromEnd: sequenceAxis(shapeOf(session.inputMetadata, past)),
    logits: names.logits,
  };
}

const RENAME = "pass the names as ioNames, or export the model with its past (use_cache)";

function refusePruned({ outputMetadata }: NamedSession, name: string): void {
  const shape = shapeOf(outputMetadata, name);
  if (shape === undefined || (shape.length === 3 && !(Number(shape[1]) > 0))) return;
  const type = outputMetadata?.find((value) => value.name === name) as { readonly type?: string };
  refusePrunedHead(name, `${type.type} [${shape.join(", ")}]`);
}

/** The one axis beside the batch whose size is free; the last but one where shapes do not tell. */
function sequenceAxis(shape: readonly (number | string)[] | undefined): number {
  const free = shape?.flatMap((dim, axis) => (typeof dim === "number" && dim > 0 ? [] : [axis])) ?? [];
  const axes = free.length > 1 ? free.slice(1) : free;
  return shape !== undefined && axes.length === 1 ? shape.length - axes[0]! : 2;
}

function shapeOf(
  metadata: readonly InferenceSession.ValueMetadata[] | undefined,
  name: string,
): readonly (number | string)[] | undefined {
  const value = metadata?.find((each) => each.name === name);
  return value?.isTensor && value.shape.length > 0 ? value.shape : undefined;
}

function fill(template: string): string {
  return template.replace("%d", () => "0");
}

function listed(names: readonly string[]): string {
  return `${names.slice(0, 6).join(", ")}${names.length > 6 ? ` and ${names.length - 6} more` : ""}`;
}

function unsupported(what: string, expected: string, received: string, remedy: string): NearfreeError {
  return new NearfreeError({ code: "unsupported-model", from: "ort-adapter", what, expected, received, remedy });
}
