/** Stable codes of every error that nearfree throws on purpose. */
export type NearfreeErrorCode =
  /** An option or argument is outside its range. */
  | "invalid-argument"
  /** The bytes are not an ONNX model, or end before the model does. */
  | "invalid-model"
  /** A file that the model needs (external weights, tokenizer, config) is not there, or cannot be read. */
  | "missing-file"
  /** A valid model that cannot be verified: no KV cache, pruned head, state that does not rewind. */
  | "unsupported-model"
  /** The ONNX Runtime build at hand does not have the execution provider asked for. */
  | "unsupported-execution-provider"
  /** ONNX Runtime is not installed, or its binary cannot be loaded on this machine. */
  | "missing-runtime"
  /** More positions than the model's context or the runner's capacity allows. */
  | "context-exceeded"
  /** The bytes are not a bundle of profiles, or were changed after it was written. */
  | "invalid-bundle"
  /** An imported profile that this machine's own samples contradict. */
  | "profile-contradicted"
  /** A profile store, or the file of a bundle, cannot be written. */
  | "store-unwritable"
  /** ONNX Runtime failed while running the model. */
  | "run-failed"
  /** The caller's AbortSignal fired. */
  | "aborted";

export interface ErrorParts {
  readonly code: NearfreeErrorCode;
  /** Package that speaks, without scope: `core`, `ort-adapter`, `calibrate`. */
  readonly from: string;
  /** The thing at fault: a file, an input, an option. */
  readonly what: string;
  readonly expected: string;
  readonly received: string;
  /** What the reader can do about it. */
  readonly remedy: string;
  readonly cause?: unknown;
}

/** The one error class: `[package] what: expected X, received Y; remedy`, always on one line. */
export class NearfreeError extends Error {
  readonly code: NearfreeErrorCode;

  constructor({ code, from, what, expected, received, remedy, cause }: ErrorParts) {
    const line = `[${from}] ${what}: expected ${expected}, received ${received}; ${remedy}`;
    super(line.replace(/\s+/g, " "), cause === undefined ? undefined : { cause });
    this.name = "NearfreeError";
    this.code = code;
  }
}
