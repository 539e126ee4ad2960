import { createSessionRunner, readEnvironment } from "@nearfree/ort-adapter";
import { type ExerciseOptions, exerciseRunner } from "../exercise-runner.ts";

export interface SessionOptions extends ExerciseOptions {
  readonly executionProvider: "wasm" | "webgpu";
  readonly modelUrl: string;
  readonly contextLimit: number;
  /** Intra-op threads of the wasm build. Default 1. */
  readonly threads?: number;
  /** Outputs that the runtime leaves on the GPU. Default none. */
  readonly gpuOutputs?: readonly string[];
}

/** A decoder on onnxruntime-web. */
export async function sessionScenario(options: SessionOptions) {
  const { ort, session, environment } = await openSession(options);
  const runner = await createSessionRunner(session, { Tensor: ort.Tensor, contextLimit: options.contextLimit });
  const exercise = await exerciseRunner(runner, environment, options);
  await runner.release();
  await session.release();
  return exercise;
}

async function openSession({ executionProvider, modelUrl, threads = 1, gpuOutputs = [] }: SessionOptions) {
  const ort = await (executionProvider === "wasm" ? import("onnxruntime-web/wasm") : import("onnxruntime-web/webgpu"));
  ort.env.logLevel = "error";
  ort.env.wasm.wasmPaths = new URL("/ort/", self.location.href).href;
  ort.env.wasm.numThreads = threads;
  const sessionOptions = {
    executionProviders: [executionProvider],
    preferredOutputLocation: Object.fromEntries(gpuOutputs.map((name) => [name, "gpu-buffer" as const])),
  };
  const model = new Uint8Array(await (await fetch(modelUrl)).arrayBuffer());
  const environment = readEnvironment({
    runtime: "onnxruntime-web",
    runtimeVersion: ort.env.versions.common,
    sessionOptions,
    device: { cores: navigator.hardwareConcurrency },
  });
  return { ort, session: await ort.InferenceSession.create(model, sessionOptions), environment };
}
