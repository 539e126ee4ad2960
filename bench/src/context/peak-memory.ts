// Runs alone, as a process: loads one model, decodes a few tokens behind a long cache, and prints the most memory it ever held, in bytes.
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { seedRunner } from "@nearfree/ort-adapter";
import { CONTEXT_MODELS } from "./context-models.ts";
import { modelPlace } from "./model-place.ts";
import { openArm } from "./open-arms.ts";

const TOKENS = 8;

/** What is compared: the rewritten graph, and transformers.js on the same file. */
export type MemoryArm = "lean" | "transformers.js";

/** Peak resident bytes of a process that decodes `model` behind `context` positions. */
export async function peakMemory(model: string, arm: MemoryArm, context: number): Promise<number> {
  const args = [fileURLToPath(import.meta.url), model, arm, String(context)];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return Number(stdout.trim().split("\n").at(-1));
}

async function decode(name: string, arm: MemoryArm, context: number): Promise<void> {
  const entry = CONTEXT_MODELS.find(({ model }) => model.name === name)!;
  const { folder, ...place } = await modelPlace(entry);
  if (arm === "transformers.js") {
    // Loaded here, since the other arm has no part in it.
    const { openTransformersjs } = await import("./generate-at.ts");
    await (await openTransformersjs(folder, entry.threads, entry)).tokenMs(context, TOKENS);
    return;
  }
  const { runner } = await openArm("lean", place);
  await seedRunner(runner, context);
  for (let token = 0; token < TOKENS; token++) await runner.forward([3]);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [name, arm, context] = process.argv.slice(2);
  await decode(name!, arm as MemoryArm, Number(context));
  // Not getrusage: what a process inherits from the one that started it counts there.
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
  console.log(Number(kilobytes) * 1024);
}
