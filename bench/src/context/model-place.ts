import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { modelFolder } from "../setup/bench-models.ts";
import type { ContextModel } from "./context-models.ts";
import type { OpenArmOptions } from "./open-arms.ts";

/** Positions behind the last context: the widest forward, and what transformers.js generates. */
const ROOM = 64;

/** Where a model lies and how its arms are opened. */
export async function modelPlace({
  model,
  threads,
  contexts,
}: ContextModel): Promise<OpenArmOptions & { folder: string }> {
  const folder = await modelFolder(model);
  const rewrites = join(dirname(folder), "rewrites");
  await mkdir(rewrites, { recursive: true });
  return {
    folder,
    modelPath: join(folder, "onnx", "model.onnx"),
    rewrites,
    threads,
    contextLimit: contexts.at(-1)! + ROOM,
  };
}
