import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { copyCompanions } from "./companion-files.ts";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "nearfree-companions-"));
});
afterEach(() => rm(root, { recursive: true }));

it("copies what a model's text and settings need, and nothing else", async () => {
  const [from, to] = [join(root, "from"), join(root, "to")];
  await mkdir(join(from, "tokenizer.d"), { recursive: true });
  await mkdir(to);
  const kept = [
    "LICENSE.txt",
    "added_tokens.json",
    "chat_template.jinja",
    "config.json",
    "genai_config.json",
    "generation_config.json",
    "merges.txt",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "vocab.json",
  ];
  for (const name of [...kept, "model.onnx", "model.onnx.data", "notes.txt", "pytorch_model.bin", "nearfree.json"]) {
    await writeFile(join(from, name), name);
  }
  await copyCompanions(from, to);
  expect((await readdir(to)).sort()).toEqual(kept);
});
