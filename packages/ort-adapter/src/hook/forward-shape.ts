import { NearfreeError } from "@nearfree/core";
import type { InferenceSession, Tensor } from "onnxruntime-common";
import { classifyIo } from "../onnx/graph/classify-io.ts";
import type { SessionIo } from "../runner/io-names.ts";
import type { IoTemplates } from "../runner/io-templates.ts";
import { DEFAULT_IO_TEMPLATES } from "../runner/io-templates.ts";

/** Inputs that tell what a forward is. Those of transformers.js, optimum and onnxruntime-genai, unless named otherwise. */
interface TellingInputs {
  /** Token ids [batch, n], or embeddings [batch, n, width]. */
  readonly tokens: string;
  /** [batch, total], where the model has one. */
  readonly mask: string | undefined;
  /** Key of the first layer: [batch, heads, past, head size]. */
  readonly pastKey: string;
}

const EMBEDDINGS = "inputs_embeds";

/** Reads from its feeds how many rows a forward runs, and on how long a past. Looks at shapes only, never at values. */
export class ForwardShape {
  readonly #inputs: TellingInputs;

  /** @throws NearfreeError `unsupported-model` where no input holds tokens, or a KV cache. */
  constructor(session: SessionIo, templates: Partial<IoTemplates> = {}) {
    this.#inputs = tellingInputs(session, { ...DEFAULT_IO_TEMPLATES, ...templates });
  }

  /** Rows of a forward of one sequence. 0 for anything else: several sequences, feeds that lack the tokens, no feeds at all. */
  rows(feeds: InferenceSession.FeedsType): number {
    const dims = dimsOf(feeds, this.#inputs.tokens);
    return dims?.[0] === 1 ? (dims[1] ?? 0) : 0;
  }

  /**
   * Positions in the KV cache before a forward of `rows` rows. The mask tells, since a cache that is written in place has
   * room for more; without a mask, the cache itself.
   */
  past(feeds: InferenceSession.FeedsType, rows: number): number {
    const { mask, pastKey } = this.#inputs;
    const total = mask === undefined ? undefined : dimsOf(feeds, mask)?.[1];
    return total === undefined ? (dimsOf(feeds, pastKey)?.[2] ?? 0) : Math.max(0, total - rows);
  }
}

/** Whatever the caller feeds: judging it is the session's own business. */
function dimsOf(feeds: InferenceSession.FeedsType | null | undefined, name: string): readonly number[] | undefined {
  return (feeds?.[name] as Partial<Tensor> | undefined)?.dims;
}

function tellingInputs({ inputNames, inputMetadata }: SessionIo, names: IoTemplates): TellingInputs {
  const values = inputMetadata.map((value) => ({ name: value.name }));
  const firstKey = names.pastKey.replace("%d", () => "0");
  const pastKey = inputNames.includes(firstKey)
    ? firstKey
    : classifyIo(values, []).kv.find(({ part }) => part === "key")?.past;
  if (pastKey === undefined) throw unsupported("KV cache", `inputs like ${firstKey}`, inputNames);
  const tokens = [names.tokens, EMBEDDINGS].find((name) => inputNames.includes(name));
  if (tokens === undefined) throw unsupported("tokens", `an input ${names.tokens} or ${EMBEDDINGS}`, inputNames);
  return { tokens, mask: inputNames.includes(names.attentionMask) ? names.attentionMask : undefined, pastKey };
}

function unsupported(what: string, expected: string, inputNames: readonly string[]): NearfreeError {
  return new NearfreeError({
    code: "unsupported-model",
    from: "ort-adapter",
    what,
    expected,
    received: `inputs ${inputNames.slice(0, 6).join(", ")}`,
    remedy: "pass the names as ioNames, or export the model with its past (use_cache)",
  });
}
