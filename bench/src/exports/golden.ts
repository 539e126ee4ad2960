import { existsSync, readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Prompts and the greedy tokens that follow, by the original model or by the file itself one position at a time. */
export interface Golden {
  readonly prompts: readonly (readonly number[])[];
  /** [prompt]: token ids; EOS does not end them. */
  readonly tokens: readonly (readonly number[])[];
}

const FILE = "golden.json";

/** The exports that the repository holds. */
export const FIXTURES = fileURLToPath(new URL("../../../packages/ort-adapter/fixtures/exports/", import.meta.url));

/** Folders with golden tokens: `folder` itself, or those in it, by name. */
export function exportFolders(folder: string): string[] {
  if (existsSync(join(folder, FILE))) return [folder];
  return readdirSync(folder)
    .sort()
    .map((name) => join(folder, name))
    .filter((path) => existsSync(join(path, FILE)));
}

/** @throws Error for a file that is no golden.json. */
export async function readGolden(folder: string): Promise<Golden> {
  const { prompts, tokens } = JSON.parse(await readFile(join(folder, FILE), "utf8")) as Partial<Golden>;
  if (!Array.isArray(prompts) || prompts.length === 0 || tokens?.length !== prompts.length) {
    throw new Error(`${join(folder, FILE)}: expected as many lists of tokens as prompts, at least one`);
  }
  return { prompts, tokens };
}
