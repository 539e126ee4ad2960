import { NearfreeError } from "@nearfree/core";
import type { Tensor } from "onnxruntime-common";
import type { Feeds } from "./cache/kv-cache.ts";
import { detachedFeed } from "./detached-feed.ts";
import { ortMessage } from "./ort-message.ts";

/** What browsers, Dawn, CUDA and DirectX say of a device that is gone. */
const LOST =
  /\b(device|gpu\w*|adapter|context)\b.*\b(lost|destroyed|removed|hung)\b|\blost\b.*\b(device|gpu\w*|context)\b/i;
const LOST_CODES = /DEVICE_(LOST|REMOVED|HUNG|RESET)/;

/** Whether ONNX Runtime failed because its device went away: the KV cache on it is gone, and its sessions are of no more use. */
export function isDeviceLost(cause: unknown): boolean {
  const message = ortMessage(cause);
  return LOST.test(message) || LOST_CODES.test(message);
}

/** What to do after a run that failed. A runner keeps the length that it had, but not what lay on a lost device. */
function remedyAfter(cause: unknown): string {
  return isDeviceLost(cause)
    ? "the device is lost and its KV cache with it: make a new session and a new runner, or rewind(0) where the session runs again, and run the text so far as the prompt"
    : "rewind(0) and run the text so far as the prompt, or make a new runner; where it fails again, check the model with ONNX Runtime alone, or give it a smaller input";
}

/**
 * The error of a run that ONNX Runtime refused or broke off: names and shapes of what it was given, the inputs beside the cache first; or the
 * one feed whose memory is gone.
 */
export function runFailed(feeds: Feeds, cause: unknown): NearfreeError {
  const shapes = Object.entries(feeds)
    .map(([name, value]) => ({ name, tensor: value as Tensor }))
    .sort((a, b) => a.tensor.dims.length - b.tensor.dims.length)
    .map(({ name, tensor }) => `${name} ${tensor.type} [${tensor.dims.join(", ")}]`);
  const more = shapes.length > 4 ? ` and ${shapes.length - 4} more` : "";
  const failed = {
    code: "run-failed",
    from: "ort-adapter",
    what: "session.run",
    expected: `the model to run on ${shapes.slice(0, 4).join(", ")}${more}`,
    received: ortMessage(cause),
    remedy: remedyAfter(cause),
    cause,
  } as const;
  return detachedFeed(feeds, cause) ?? new NearfreeError(failed);
}

/** The error of an output that was on a device when it was lost. */
export function outputLost(output: string, cause: unknown): NearfreeError {
  return new NearfreeError({
    code: "run-failed",
    from: "ort-adapter",
    what: `output ${output}`,
    expected: "data that can be read back",
    received: ortMessage(cause),
    remedy: remedyAfter(cause),
    cause,
  });
}
