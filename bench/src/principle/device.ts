import { join } from "node:path";
import { measureSignature } from "@nearfree/calibrate";
import type { Environment } from "@nearfree/core";
import { canonicalJson } from "@nearfree/core/measure";
import { classesOf, type DeviceSignature, type KernelClass, summaryIn } from "@nearfree/core/principle";
import { createSignatureProbes } from "@nearfree/ort-adapter";
import { summarizeFile } from "@nearfree/ort-adapter/node";
import * as ort from "onnxruntime-node";
import { type BenchEnvironment, type BenchModel, modelFolder } from "../setup/bench-models.ts";
import { formsOf } from "./principle-models.ts";
import { FLOAT32 } from "./rivals.ts";
import type { Say } from "./say-curve.ts";

/** What one environment's curves are predicted from. */
export interface Device {
  readonly environment: BenchEnvironment;
  readonly signature: DeviceSignature;
}

/** A runtime's sessions, for the probes. */
export async function runtimeOf({ ep, threads }: BenchEnvironment) {
  if (ep !== "wasm") {
    const createSession = (bytes: Uint8Array) =>
      ort.InferenceSession.create(bytes, { executionProviders: [ep], intraOpNumThreads: threads });
    return { createSession, Tensor: ort.Tensor, inPlaceCache: true, threads };
  }
  const { env, InferenceSession, Tensor } = await import("onnxruntime-web");
  env.wasm.numThreads = 1;
  const createSession = (bytes: Uint8Array) => InferenceSession.create(bytes, { executionProviders: ["wasm"] });
  return { createSession, Tensor, inPlaceCache: false, threads };
}

/** Classes of the models that run in this environment, in every form. */
async function classesOfModels(models: readonly BenchModel[], environment: BenchEnvironment): Promise<KernelClass[]> {
  // The simpler rivals know a device by its fp32 balance, whatever the models are made of.
  const classes = new Map<string, KernelClass>([[canonicalJson(FLOAT32), FLOAT32]]);
  for (const model of models) {
    const { summary } = summarizeFile(join(await modelFolder(model), "onnx", "model.onnx"));
    for (const { form } of formsOf(model, environment)) {
      for (const kernel of classesOf(summaryIn(summary, form))) classes.set(canonicalJson(kernel), kernel);
    }
  }
  return [...classes.values()];
}

export async function deviceOf(
  environment: BenchEnvironment,
  models: readonly BenchModel[],
  say: Say,
): Promise<Device> {
  const { ep, threads } = environment;
  const began = performance.now();
  const runtime = await runtimeOf(environment);
  // Only the threads matter to a prediction; what else names an environment is for stores.
  const named: Environment = {
    runtime: ep === "wasm" ? "onnxruntime-web" : "onnxruntime-node",
    runtimeVersion: "",
    executionProvider: ep,
    options: {},
    threads,
    graphOptimizationLevel: "all",
    device: {},
  };
  const probes = createSignatureProbes(runtime);
  const kernels = await classesOfModels(models, environment);
  const signature = await measureSignature(probes, { clock: () => performance.now(), environment: named, kernels });
  say(`signature of ${signature.kernels.length} classes: ${((performance.now() - began) / 1000).toFixed(1)} s`);
  return { environment, signature };
}
