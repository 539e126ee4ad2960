import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { preferAnyAdapter } from "@nearfree/browser/software-adapter";
import { type OpenModelOptions, openModel } from "@nearfree/calibrate/node";
import type { Runner } from "@nearfree/core";
import { createSessionRunner } from "@nearfree/ort-adapter";
import { type BenchEnvironment, type BenchModel, modelFolder } from "./bench-models.ts";

/** The largest model that wasm is given: it needs the bytes of the file and its own copy of the weights in 4 GB. */
const MOST_WASM_BYTES = 600 << 20;

/** A runner and what it stands on. */
export interface OpenRunner {
  readonly runner: Runner;
  release(): Promise<void>;
}

/**
 * Loads a model where asked; `kvCache` as `openModel` takes it, in Node alone.
 * @throws what the runtime says where this machine or the execution provider cannot run it; RangeError for a rewritten graph that was
 *   asked for and cannot be had.
 */
export async function openIn(
  model: BenchModel,
  { ep, threads }: BenchEnvironment,
  kvCache?: OpenModelOptions["kvCache"],
): Promise<OpenRunner> {
  const folder = await modelFolder(model);
  if (ep === "wasm") return openWasm(folder);
  if (ep === "webgpu") preferAnyAdapter();
  // Rewrites are hard links to the weights: on their file system.
  const cache = dirname(folder);
  const open = await openModel(folder, { executionProvider: ep, threads, kvCache, cache });
  const { form, reason } = open.form;
  if ((kvCache === "rows" || kvCache === "lean") && form !== kvCache) {
    await open.release();
    throw new RangeError(`${model.name}: expected its graph rewritten as ${kvCache}; received ${form}: ${reason}`);
  }
  return open;
}

async function openWasm(folder: string): Promise<OpenRunner> {
  const path = join(folder, "onnx", "model.onnx");
  const { size } = statSync(path);
  if (size > MOST_WASM_BYTES || existsSync(`${path}_data`)) {
    throw new RangeError(`${size >> 20} MB of weights: too large for wasm beside a copy`);
  }
  const { max_position_embeddings } = JSON.parse(readFileSync(join(folder, "config.json"), "utf8"));
  const { env, InferenceSession, Tensor } = await import("onnxruntime-web");
  env.wasm.numThreads = 1;
  const session = await InferenceSession.create(readFileSync(path), { executionProviders: ["wasm"] });
  const runner = await createSessionRunner(session, { Tensor, contextLimit: max_position_embeddings });
  return {
    runner,
    async release() {
      await runner.release();
      await session.release();
    },
  };
}
