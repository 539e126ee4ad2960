import { NearfreeError } from "@nearfree/core";
import type { Tensor } from "onnxruntime-common";
import { ortMessage } from "./ort-message.ts";
import { isDeviceLost, outputLost } from "./run-failed.ts";

/** Whether the elements are out of JavaScript's reach until they are read back: the runtime left them on the GPU. */
export function onDevice({ location }: Tensor): boolean {
  return location !== "cpu" && location !== "cpu-pinned";
}

/**
 * Brings the elements of an output to the CPU and frees them on the device; `tensor.data` is there afterwards.
 * @throws NearfreeError `unsupported-model` where the runtime cannot (onnxruntime-node 1.30), `run-failed` where the device is lost.
 */
export async function readBack(output: string, tensor: Tensor): Promise<void> {
  if (!onDevice(tensor)) return;
  try {
    await tensor.getData(true);
  } catch (cause) {
    if (isDeviceLost(cause)) throw outputLost(output, cause);
    throw new NearfreeError({
      code: "unsupported-model",
      from: "ort-adapter",
      what: `output ${output}`,
      expected: "data that can be read back",
      received: `a tensor on ${tensor.location}: ${ortMessage(cause)}`,
      remedy: "leave preferredOutputLocation at cpu for this output",
      cause,
    });
  }
}

/** Frees what the runtime left on a device; the garbage collector sees to the rest. */
export function freeOnDevice(tensors: readonly Tensor[]): void {
  for (const tensor of tensors) if (onDevice(tensor)) tensor.dispose();
}
