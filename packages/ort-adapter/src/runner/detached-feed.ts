import { NearfreeError } from "@nearfree/core";
import type { OnnxValue, Tensor } from "onnxruntime-common";

/** The error of a run whose feed has lost its memory: to a transfer, or to the worker of a runtime that runs elsewhere. Undefined: none has. */
export function detachedFeed(feeds: Readonly<Record<string, OnnxValue>>, cause: unknown): NearfreeError | undefined {
  const name = Object.keys(Object(feeds)).find((each) => isDetached(feeds[each] as Partial<Tensor> | undefined));
  if (name === undefined) return undefined;
  const { type, dims } = feeds[name] as Tensor;
  return new NearfreeError({
    code: "run-failed",
    from: "ort-adapter",
    what: `input ${name}`,
    expected: `the data of ${type} [${dims.join(", ")}]`,
    received: "a tensor whose buffer is detached",
    remedy: "feed a copy: the memory went to another thread (postMessage, a worker of ONNX Runtime), which keeps it",
    cause,
  });
}

function isDetached(value: Partial<Tensor> | undefined): boolean {
  if (value?.location !== "cpu" || !(Number(value.size) > 0)) return false;
  return ArrayBuffer.isView(value.data) && value.data.byteLength === 0;
}
