import { cp, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Tokenizer } from "@huggingface/tokenizers";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundledCheckpoint } from "./bundled-model.ts";
import { type ExportVariant, exportCheckpoint } from "./export-checkpoint.ts";
import { heldOutPrompts } from "./prompts.ts";

const TINY_TS = bundledCheckpoint("tiny-ts");
const LAYERS = 6;
const EMPTY = [1, 4, 0, 32];
const VOCABULARY = 2048;
const TOKENS = Array.from({ length: 40 }, (_, i) => (i * i * 31 + 7) % VOCABULARY);

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "nearfree-export-"));
});
afterAll(() => rm(root, { recursive: true }));

type Cache = Record<string, Tensor>;

async function open(variant: ExportVariant): Promise<InferenceSession> {
  return InferenceSession.create(join(await exportCheckpoint(TINY_TS, root, variant), "onnx", "model.onnx"));
}

/** Logits [rows * vocabulary] of `tokens` after `cache`, and the cache after them. */
async function forward(session: InferenceSession, tokens: number[], cache?: Cache) {
  const past =
    cache ??
    Object.fromEntries(
      Array.from({ length: LAYERS }, (_, i) => ["key", "value"].map((kind) => `past_key_values.${i}.${kind}`))
        .flat()
        .map((name) => [name, new Tensor("float32", new Float32Array(0), EMPTY)]),
    );
  const total = past["past_key_values.0.key"]!.dims[2]! + tokens.length;
  const outputs = await session.run({
    ...past,
    input_ids: new Tensor("int64", BigInt64Array.from(tokens, BigInt), [1, tokens.length]),
    attention_mask: new Tensor("int64", new BigInt64Array(total).fill(1n), [1, total]),
  });
  const present = Object.keys(past).map((name) => [name, outputs[name.replace("past_key_values", "present")]!]);
  return { logits: outputs.logits!.data as Float32Array, cache: Object.fromEntries(present) as Cache };
}

function distance(a: Float32Array, b: Float32Array): number {
  expect(a.length).toBe(b.length);
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);
}

function argmaxes(logits: Float32Array): number[] {
  return Array.from({ length: logits.length / VOCABULARY }, (_, row) => {
    const one = logits.subarray(row * VOCABULARY, (row + 1) * VOCABULARY);
    return one.indexOf(Math.max(...one));
  });
}

describe("exportCheckpoint", () => {
  it("writes the layout of transformers.js, once", async () => {
    const folder = await exportCheckpoint(TINY_TS, root, "fp32");
    const files = ["config.json", "generation_config.json", "onnx", "tokenizer.json", "tokenizer_config.json"];
    expect((await readdir(folder)).sort()).toEqual(files);
    const before = await stat(join(folder, "onnx", "model.onnx"));
    expect(await exportCheckpoint(TINY_TS, root, "fp32")).toBe(folder);
    expect((await stat(join(folder, "onnx", "model.onnx"))).mtimeMs).toBe(before.mtimeMs);
  });

  it("publishes one folder when two export at once, and leaves nothing else", async () => {
    const cache = join(root, "together");
    const [a, b] = await Promise.all([0, 1].map(() => exportCheckpoint(TINY_TS, cache, "int4")));
    expect(a).toBe(b);
    expect(await readdir(cache)).toHaveLength(1);
  });

  it("gives the same logits with fused and decomposed attention, whole and in steps", async () => {
    const fused = await open("fp32");
    const whole = await forward(fused, TOKENS);
    const plain = await forward(await open("fp32-decomposed"), TOKENS);
    expect(distance(whole.logits, plain.logits)).toBeLessThan(1e-3);

    const steps = new Float32Array(whole.logits.length);
    let cache: Cache | undefined;
    for (let at = 0, width = 1; at < TOKENS.length; at += width, width = Math.min(width + 3, TOKENS.length - at)) {
      const step = await forward(fused, TOKENS.slice(at, at + width), cache);
      steps.set(step.logits, at * VOCABULARY);
      cache = step.cache;
    }
    expect(distance(whole.logits, steps)).toBeLessThan(1e-3);
  });

  it("keeps most of fp32's choices in int4", async () => {
    const [json, config] = await Promise.all(
      ["tokenizer.json", "tokenizer_config.json"].map(async (file) =>
        JSON.parse(await readFile(join(await exportCheckpoint(TINY_TS, root, "fp32"), file), "utf8")),
      ),
    );
    const [prompt] = await heldOutPrompts();
    const tokens = new Tokenizer(json, config).encode(prompt!.prompt).ids.slice(0, 200);
    const full = argmaxes((await forward(await open("fp32"), tokens)).logits);
    const small = argmaxes((await forward(await open("int4"), tokens)).logits);
    expect(full.filter((token, i) => token === small[i]).length).toBeGreaterThan(0.8 * full.length);
  });

  it("exports again when the checkpoint changes, and refuses one that is not whole", async () => {
    const source = join(root, "source");
    const copied = { ...TINY_TS, source };
    await cp(TINY_TS.source, source, { recursive: true });
    const first = await exportCheckpoint(copied, root, "fp32");
    const config = JSON.parse(await readFile(join(source, "config.json"), "utf8")) as Record<string, unknown>;
    await writeFile(join(source, "config.json"), JSON.stringify({ ...config, rope_theta: 5000 }));
    expect(await exportCheckpoint(copied, root, "fp32")).not.toBe(first);

    await writeFile(join(source, "config.json"), JSON.stringify({ ...config, hidden_size: 128 }));
    const before = await readdir(root);
    await expect(exportCheckpoint(copied, root, "fp32")).rejects.toThrow("expected shape [128], received [256]");
    await writeFile(join(source, "config.json"), JSON.stringify({ ...config, head_dim: "32" }));
    await expect(exportCheckpoint(copied, root, "fp32")).rejects.toThrow("config.json head_dim: expected a number");
    await writeFile(join(source, "config.json"), "{");
    await expect(exportCheckpoint(copied, root, "fp32")).rejects.toThrow('config.json: expected JSON, received "{"');
    await rm(join(source, "config.json"));
    await expect(exportCheckpoint(copied, root, "fp32")).rejects.toThrow(
      "expected a file of the checkpoint, received ENOENT",
    );
    expect(await readdir(root)).toEqual(before);
  });
});
