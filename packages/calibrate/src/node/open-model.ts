import { NearfreeError, type Runner } from "@nearfree/core";
import { createSessionRunner, ortMessage } from "@nearfree/ort-adapter";
import type * as ort from "onnxruntime-node";
import { type ExaminedModel, examineModel, type OpenModelOptions, providerError } from "./examine-model.ts";
import { openInForm } from "./form/choose-form.ts";
import type { KvForm } from "./form/kv-form.ts";
import { loadRuntime } from "./load-runtime.ts";
import { loadTextCodec, type TextCodec } from "./text/text-codec.ts";

/** A model on disk, loaded into onnxruntime-node and wrapped. */
export interface OpenModel extends ExaminedModel {
  readonly session: ort.InferenceSession;
  /** The session wrapped for one sequence. */
  readonly runner: Runner;
  /** Absent where the folder has no tokenizer.json. */
  readonly codec: TextCodec | undefined;
  /** Which graph runs, its own or a rewritten one, and why. */
  readonly form: KvForm;
  /** Frees runner and session. */
  release(): Promise<void>;
}

/**
 * Loads the model at `path`: an .onnx file, or a folder in the layout of transformers.js, optimum or onnxruntime-genai.
 * The graph is examined first, so that what cannot work is refused before its weights are read.
 *
 * @throws NearfreeError `missing-runtime`, `missing-file`, `invalid-model`, `unsupported-model`, `unsupported-execution-provider`,
 *   `invalid-argument` for a folder with several models, or threads out of range.
 */
export async function openModel(path: string, options: OpenModelOptions = {}): Promise<OpenModel> {
  const examined = await examineModel(path, options);
  const { folder } = examined;
  const codec = folder.tokenizerPath === undefined ? undefined : await loadTextCodec(folder.tokenizerPath);
  const { kvCache, onWarning } = options;
  const { traits } = examined;
  const opened = await openInForm<Opened>(examined, options, {
    original: () => {
      const mode = kvCache === "in-place" || kvCache === "growing" ? kvCache : "auto";
      return openGraph(folder.modelPath, examined, traits, mode, options);
    },
    rewritten: (rewrite) => openGraph(rewrite.path, examined, rewrite.traits, "auto", options),
  });
  const { rowsAtOnce, rowsAtOnceReason } = opened.runner.describe();
  if (rowsAtOnce === 1) onWarning?.(`${folder.modelPath}: one position at a time: ${rowsAtOnceReason}`);
  return { ...examined, ...opened, codec };
}

/** What a graph becomes when it is loaded and wrapped. */
type Opened = Pick<OpenModel, "session" | "runner" | "traits" | "release">;

async function openGraph(
  path: string,
  { folder, sessionOptions, contextLimit }: ExaminedModel,
  traits: ExaminedModel["traits"],
  kvCache: "auto" | "in-place" | "growing",
  { prefillChunk }: OpenModelOptions,
): Promise<Opened> {
  const session = await createSession(path, sessionOptions);
  try {
    const { Tensor } = await loadRuntime();
    const runner = await createSessionRunner(session, {
      Tensor,
      contextLimit,
      kvCache,
      traits,
      ...(folder.ioNames && { ioNames: folder.ioNames }),
      ...(prefillChunk !== undefined && { prefillChunk }),
      kvSizes: folder.kvSizes,
    });
    const release = async () => {
      await runner.release();
      await session.release();
    };
    return { session, runner, traits, release };
  } catch (error) {
    await session.release();
    throw error;
  }
}

/**
 * A session of onnxruntime-node, from a file or from bytes.
 * @throws NearfreeError `missing-runtime`, `unsupported-execution-provider`, or `invalid-model` where ONNX Runtime refuses the model.
 */
export async function createSession(
  model: string | Uint8Array,
  options: ort.InferenceSession.SessionOptions,
): Promise<ort.InferenceSession> {
  const { InferenceSession } = await loadRuntime();
  try {
    return await (typeof model === "string"
      ? InferenceSession.create(model, options)
      : InferenceSession.create(model, options));
  } catch (cause) {
    const message = ortMessage(cause);
    const [provider] = options.executionProviders as string[];
    // The shared library of a provider is there or not: ONNX Runtime says so in these words.
    if (provider !== "cpu" && /provider|shared librar|backend|adapter|device/i.test(message)) {
      throw providerError(String(provider), message, cause);
    }
    throw new NearfreeError({
      code: "invalid-model",
      from: "calibrate",
      what: typeof model === "string" ? model : "model in memory",
      expected: "a model that ONNX Runtime loads",
      received: message,
      remedy: "export it again, or update onnxruntime-node",
      cause,
    });
  }
}
