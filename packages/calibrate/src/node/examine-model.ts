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
import type * as ort from "onnxruntime-node";
import { loadableProviders, loadedRuntimes, loadRuntime, type NodeRuntime, runtimeVersion } from "./load-runtime.ts";

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
  /**
   * How the KV cache is kept. `original`, `in-place` and `growing` run the model's own graph; `rows` and `lean` a rewritten one, which
   * copies less of the cache at every step (docs/attention.md): `rows` changes no bit, `lean` rounds attention otherwise. Where a rewrite
   * cannot be had, or gives other logits, the original runs, and that is said as a warning. `auto` runs a rewrite where its logits are
   * those of the original and its forwards were measured to be no slower. Default `auto`.
   */
  readonly kvCache?: KvCacheForm | undefined;
  /** Folder that rewrites are kept in. Default: the user's cache folder. */
  readonly cache?: string | undefined;
  /** Told, in one line, of what was assumed. */
  readonly onWarning?: ((message: string) => void) | undefined;
}

/** How the KV cache of a model is kept, see `OpenModelOptions.kvCache`. */
export type KvCacheForm = (typeof KV_CACHE_FORMS)[number];
export const KV_CACHE_FORMS = ["auto", "original", "in-place", "growing", "rows", "lean"] as const;

export interface ExamineModelOptions extends OpenModelOptions {
  /** Goes on where onnxruntime-node cannot be loaded, and says so as a warning: nothing will be run. Default false. */
  readonly withoutRuntime?: boolean | undefined;
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
 * @throws NearfreeError `missing-runtime`, `missing-file`, `invalid-model`, `unsupported-model`, `unsupported-execution-provider`,
 *   `invalid-argument` for a folder with several models, or threads out of range.
 */
export async function examineModel(path: string, options: ExamineModelOptions = {}): Promise<ExaminedModel> {
  const { executionProvider = "cpu", onWarning, withoutRuntime = false } = options;
  const runtime = await findRuntime(withoutRuntime, onWarning);
  if (runtime !== undefined) requireProvider(runtime, executionProvider);
  const threads = chooseThreads(options.threads, readCpuAllowance(), onWarning);
  const folder = await resolveModelFolder(path);
  const { summary, logitsRows, io, traits } = summarizeFile(folder.modelPath, rowConfig(folder));
  if (io.state.length > 0) throw statefulModel(folder.modelPath, io.state);
  if (logitsRows === "last") throw prunedHead(folder.modelPath);
  for (const line of summary.unresolved) onWarning?.(`${folder.modelPath}: ${line}`);
  if (folder.contextLimit === undefined) {
    onWarning?.(`${folder.folder}: no file names the model's context length; ${ASSUMED_CONTEXT} is assumed`);
  }
  const sessionOptions = { executionProviders: [executionProvider], intraOpNumThreads: threads };
  const environment = currentEnvironment(runtime, sessionOptions);
  return { folder, summary, traits, environment, sessionOptions, contextLimit: folder.contextLimit ?? ASSUMED_CONTEXT };
}

function statefulModel(path: string, state: readonly string[]): NearfreeError {
  const more = state.length > 3 ? ` and ${state.length - 3} more` : "";
  return new NearfreeError({
    code: "unsupported-model",
    from: "calibrate",
    what: `state of ${path}`,
    expected: "a KV cache that rewinds by length, so that draft tokens can be taken back",
    received: `recurrent or convolutional state (${state.slice(0, 3).join(", ")}${more})`,
    remedy: "use a model whose whole state is a KV cache",
  });
}

/** The error of a model at `path` whose head gives logits of the last position only. */
export function prunedHead(path: string): NearfreeError {
  return new NearfreeError({
    code: "unsupported-model",
    from: "calibrate",
    what: `logits of ${path}`,
    expected: "a row for every position, so that draft tokens can be verified",
    received: "a row for the last position only",
    remedy: "run `nearfree optimize --unprune-head` on it, or export it again with a full head (prune_lm_head = false)",
  });
}

async function findRuntime(
  optional: boolean,
  onWarning: OpenModelOptions["onWarning"],
): Promise<NodeRuntime | undefined> {
  try {
    const runtime = await loadRuntime();
    const copies = loadedRuntimes();
    if (copies.length > 1) onWarning?.(severalRuntimes(copies));
    return runtime;
  } catch (error) {
    if (!optional || !(error instanceof NearfreeError)) throw error;
    onWarning?.(error.message);
    return undefined;
  }
}

/** What to say where more than one copy of onnxruntime-node is loaded. */
export function severalRuntimes(copies: readonly string[]): string {
  return `${copies.length} copies of onnxruntime-node in this process, whose tensors are nothing to each other: ${copies.join(", ")}; keep one (npm dedupe, or the same version everywhere)`;
}

function requireProvider(ort: NodeRuntime, name: string): void {
  const names = loadableProviders(ort);
  if (!names.includes(name)) throw providerError(name, `one with ${names.join(", ")}`);
}

/** The error of an execution provider that is not to be had; `received` says what is. */
export function providerError(name: string, received: string, cause?: unknown): NearfreeError {
  return new NearfreeError({
    code: "unsupported-execution-provider",
    from: "calibrate",
    what: `execution provider ${name}`,
    expected: "one that this installation of onnxruntime-node has",
    received,
    remedy: "choose another with --ep, or install onnxruntime-node with it",
    ...(cause !== undefined && { cause }),
  });
}

function currentEnvironment(
  runtime: NodeRuntime | undefined,
  sessionOptions: ort.InferenceSession.SessionOptions,
): Environment {
  return readEnvironment({
    runtime: "onnxruntime-node",
    runtimeVersion: runtime?.env.versions.node ?? runtimeVersion() ?? "not installed",
    sessionOptions,
    device: readNodeDevice(),
    variables: process.env,
  });
}
