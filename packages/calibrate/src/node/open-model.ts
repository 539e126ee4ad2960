import { availableParallelism } from "node:os";
import { type Environment, type GraphSummary, NearfreeError, type Runner } from "@nearfree/core";
import { createSessionRunner, readEnvironment } from "@nearfree/ort-adapter";
import { type ModelFolder, readNodeDevice, resolveModelFolder, summarizeFile } from "@nearfree/ort-adapter/node";
import * as ort from "onnxruntime-node";
import { loadTextCodec, type TextCodec } from "./text-codec.ts";

export interface OpenModelOptions {
  /** Default `cpu`. */
  readonly executionProvider?: string | undefined;
  /** Intra-op threads. Default: the cores that this process may use. */
  readonly threads?: number | undefined;
  /** Told, in one line, of what was assumed. */
  readonly onWarning?: ((message: string) => void) | undefined;
}

/** A model on disk, loaded into onnxruntime-node and wrapped. */
export interface OpenModel {
  readonly folder: ModelFolder;
  readonly summary: GraphSummary;
  readonly environment: Environment;
  readonly sessionOptions: ort.InferenceSession.SessionOptions;
  readonly session: ort.InferenceSession;
  /** The session wrapped for one sequence. */
  readonly runner: Runner;
  /** Absent where the folder has no tokenizer.json. */
  readonly codec: TextCodec | undefined;
  /** Frees runner and session. */
  release(): Promise<void>;
}

/** The context length of a model whose files name none. */
const ASSUMED_CONTEXT = 2048;

/**
 * Loads the model at `path`: an .onnx file, or a folder in the layout of transformers.js, optimum or onnxruntime-genai.
 * The graph is examined first, so that what cannot work is refused before its weights are read.
 *
 * @throws NearfreeError `missing-file`, `invalid-model`, `unsupported-model`, `unsupported-execution-provider`,
 *   `invalid-argument` for a folder with several models.
 */
export async function openModel(path: string, options: OpenModelOptions = {}): Promise<OpenModel> {
  const { executionProvider = "cpu", threads = availableParallelism(), onWarning } = options;
  requireProvider(executionProvider);
  const folder = await resolveModelFolder(path);
  const { summary, logitsRows } = summarizeFile(folder.modelPath);
  if (logitsRows === "last") throw prunedHead(folder.modelPath);
  for (const line of summary.unresolved) onWarning?.(`${folder.modelPath}: ${line}`);
  const codec = folder.tokenizerPath === undefined ? undefined : await loadTextCodec(folder.tokenizerPath);
  if (folder.contextLimit === undefined) {
    onWarning?.(`${folder.folder}: no file names the model's context length; ${ASSUMED_CONTEXT} is assumed`);
  }
  const sessionOptions: ort.InferenceSession.SessionOptions = {
    executionProviders: [executionProvider],
    intraOpNumThreads: threads,
  };
  const session = await createSession(folder.modelPath, sessionOptions);
  try {
    const runner = await createSessionRunner(session, {
      Tensor: ort.Tensor,
      contextLimit: folder.contextLimit ?? ASSUMED_CONTEXT,
      ...(folder.ioNames && { ioNames: folder.ioNames }),
    });
    return {
      folder,
      summary,
      environment: currentEnvironment(sessionOptions),
      sessionOptions,
      session,
      runner,
      codec,
      async release() {
        await runner.release();
        await session.release();
      },
    };
  } catch (error) {
    await session.release();
    throw error;
  }
}

/**
 * A session of onnxruntime-node, from a file or from bytes.
 * @throws NearfreeError `unsupported-execution-provider`, or `invalid-model` where ONNX Runtime refuses the model.
 */
export async function createSession(
  model: string | Uint8Array,
  options: ort.InferenceSession.SessionOptions,
): Promise<ort.InferenceSession> {
  try {
    return await (typeof model === "string"
      ? ort.InferenceSession.create(model, options)
      : ort.InferenceSession.create(model, options));
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
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

function prunedHead(path: string): NearfreeError {
  return new NearfreeError({
    code: "unsupported-model",
    from: "calibrate",
    what: `logits of ${path}`,
    expected: "a row for every position, so that draft tokens can be verified",
    received: "a row for the last position only",
    remedy: "export the model again with a full head (prune_lm_head = false)",
  });
}

function requireProvider(name: string): void {
  const names = ort.listSupportedBackends().map((backend) => backend.name);
  if (!names.includes(name)) throw providerError(name, `a build with ${names.join(", ")}`);
}

function providerError(name: string, received: string, cause?: unknown): NearfreeError {
  return new NearfreeError({
    code: "unsupported-execution-provider",
    from: "calibrate",
    what: `execution provider ${name}`,
    expected: "one that this build of onnxruntime-node has",
    received,
    remedy: "choose another with --ep, or install a build that has it",
    ...(cause !== undefined && { cause }),
  });
}

function currentEnvironment(sessionOptions: ort.InferenceSession.SessionOptions): Environment {
  return readEnvironment({
    runtime: "onnxruntime-node",
    runtimeVersion: ort.env.versions.node ?? ort.env.versions.common,
    sessionOptions,
    device: readNodeDevice(),
    variables: process.env,
  });
}
