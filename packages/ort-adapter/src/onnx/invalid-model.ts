import { NearfreeError } from "@nearfree/core";

const DEFAULT_REMEDY = "download or export the model again";

/** The error for bytes that are not a whole ONNX model; `what` is the file. */
export function invalidModel(
  what: string,
  {
    expected,
    received,
    remedy = DEFAULT_REMEDY,
    cause,
  }: { expected: string; received: string; remedy?: string; cause?: unknown },
): NearfreeError {
  return new NearfreeError({ code: "invalid-model", from: "ort-adapter", what, expected, received, remedy, cause });
}
