import { createHash } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { openModel } from "@nearfree/calibrate/node";
import { argmax, type Runner } from "@nearfree/core";
import { heldOutPrompts, type PromptKind, tinyTs } from "@nearfree/examples";

/** Where recordings are kept between runs. */
const RECORDING_CACHE = join(tmpdir(), "nearfree-bench-recordings");
/** Counts changes to how recordings are made: a new number makes every cached one stale. */
const RECORDING_VERSION = 1;
/** One: as the decode bench. Tokens do not depend on it. */
const THREADS = 1;

/** Tokens recorded of each prompt. */
export const RECORDED_TOKENS = 256;

export const RECORDED_VARIANTS = ["fp32", "int4"] as const;
export type RecordedVariant = (typeof RECORDED_VARIANTS)[number];

/**
 * The greedy tokens of one prompt. Decoding is deterministic, so they are all that a schedule can lead to: the draft of every
 * position, and how much of it stands, follow from them.
 */
export interface Recording {
  readonly id: string;
  readonly kind: PromptKind;
  readonly prompt: readonly number[];
  readonly tokens: readonly number[];
}

/** The recordings of every held-out prompt: from the cache, or made now by the plain loop. */
export async function recordings(variant: RecordedVariant, say: (line: string) => void): Promise<readonly Recording[]> {
  const folder = await tinyTs(variant);
  const prompts = await heldOutPrompts();
  const key = createHash("sha256").update(
    JSON.stringify([RECORDING_VERSION, RECORDED_TOKENS, basename(folder), prompts]),
  );
  const file = join(RECORDING_CACHE, `${variant}-${key.digest("hex").slice(0, 12)}.json`);
  const cached = await readFile(file, "utf8").catch(() => undefined);
  if (cached !== undefined) return JSON.parse(cached) as Recording[];

  say(`${variant}: recording ${prompts.length} prompts`);
  const model = await openModel(folder, { threads: THREADS });
  const made: Recording[] = [];
  for (const { id, kind, prompt } of prompts) {
    const ids = Array.from(model.codec!.encode(prompt));
    // Quantised kernels of one row give other bits than those of more: a bitwise run keeps to two and more.
    const rows = variant === "int4" ? 2 : 1;
    made.push({ id, kind, prompt: ids, tokens: await plainTokens(model.runner, ids, RECORDED_TOKENS, rows) });
  }
  await model.release();
  await mkdir(RECORDING_CACHE, { recursive: true });
  await writeFile(`${file}.${process.pid}`, JSON.stringify(made));
  await rename(`${file}.${process.pid}`, file);
  return made;
}

/** `count` greedy tokens, each from a forward of `rows` rows of which the first counts. */
export async function plainTokens(
  runner: Runner,
  prompt: readonly number[],
  count: number,
  rows: number,
): Promise<number[]> {
  const { vocabularySize } = runner.describe();
  runner.rewind(0);
  if (prompt.length > 1) await runner.forward(prompt.slice(0, -1), 0);
  const tokens: number[] = [];
  const input = new Int32Array(rows);
  for (let last = prompt.at(-1)!; tokens.length < count; ) {
    const context = runner.length;
    last = argmax(await runner.forward(input.fill(last)), 0, vocabularySize);
    runner.rewind(context + 1);
    tokens.push(last);
  }
  return tokens;
}
