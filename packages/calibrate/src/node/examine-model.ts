import { type Environment, NearfreeError } from "@nearfree/core";
import type { GraphSummary } from "@nearfree/core/principle";
import { type RowTraits, readEnvironment } from "@nearfree/ort-adapter";
import {
  chooseThreads,
  type ModelFolder,
  readCpuAllowance,
  readNodeDevice,
  resolveModelFolder,
  rowConfig,
  summarizeFile,
} from "@nearfree/ort-adapter/node";
import * as ort from "onnxruntime-node";

export interface OpenModelOptions {
  /** Default `cpu`. */
  readonly executionProvider?: string | undefined;
  /**
   * Intra-op threads, at most the machine's CPUs. Default: the CPUs that the process may run on, or fewer where its quota (control
   * groups) is less.
   */
  readonly threads?: number | undefined;
  /** Positions of one forward while a prompt is read in; see `SessionRunnerOptions`. */
  readonly prefillChunk?: number | undefined;
  /** Told, in one line, of what was assumed. */
  readonly onWarning?: ((message: string) => void) | undefined;
}

/** A model on disk and the environment that it would run in: no session, no weights read. */
export interface ExaminedModel {
  readonly folder: ModelFolder;
  readonly summary: GraphSummary;
  /** What several rows in one forward do to each other. */
  readonly traits: RowTraits;
  readonly environment: Environment;
  readonly sessionOptions: ort.InferenceSession.SessionOptions;
  /** The model's own, or what is assumed where its files name none. */
  readonly contextLimit: number;
}

/** The context length of a model whose files name none. */
const ASSUMED_CONTEXT = 2048;

/**
 * Reads what can be known of the model at `path` without loading it: an .onnx file, or a folder in the layout of transformers.js,
 * optimum or onnxruntime-genai. What cannot work is refused here, before its weights are read.
 *
 * @throws NearfreeError `missing-file`, `invalid-model`, `unsupported-model`, `unsupported-execution-provider`,
 *   `invalid-argument` for a folder with several models, or threads out of range.
 */
export async function examineModel(path: string, options: OpenModelOptions = {}): Promise<ExaminedModel> {
  const { executionProvider = "cpu", onWarning } = options;
  requireProvider(executionProvider);
  const threads = chooseThreads(options.threads, readCpuAllowance(), onWarning);
  const folder = await resolveModelFolder(path);
  const { summary, logitsRows, traits } = summarizeFile(folder.modelPath, rowConfig(folder));
  if (logitsRows === "last") throw prunedHead(folder.modelPath);
  for (const line of summary.unresolved) onWarning?.(`${folder.modelPath}: ${line}`);
  if (folder.contextLimit === undefined) {
    onWarning?.(`${folder.folder}: no file names the model's context length; ${ASSUMED_CONTEXT} is assumed`);
  }
  const sessionOptions = { executionProviders: [executionProvider], intraOpNumThreads: threads };
  const environment = currentEnvironment(sessionOptions);
  return { folder, summary, traits, environment, sessionOptions, contextLimit: folder.contextLimit ?? ASSUMED_CONTEXT };
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

/** The error of an execution provider that is not to be had; `received` says what is. */
export function providerError(name: string, received: string, cause?: unknown): NearfreeError {
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
