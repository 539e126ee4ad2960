import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createScheduler, decodeAll } from "@nearfree/core";
import { type OptimizeStep, writeModelFile } from "@nearfree/ort-adapter/node";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readGolden } from "../../testing/decode-export.ts";
import { testDecoder, writeModelFolder } from "../../testing/model-folder.ts";
import { examineModel } from "../examine-model.ts";
import { openModel } from "../open-model.ts";
import { optimizeModel } from "./optimize-model.ts";

const EXPORTS = fileURLToPath(new URL("../../../../ort-adapter/fixtures/exports", import.meta.url));
const LEAN: OptimizeStep = { step: "form", form: "lean" };
const ROWS: OptimizeStep = { step: "form", form: "rows" };
const UNPRUNE: OptimizeStep = { step: "unprune-head" };

let root: string;
const at = (...names: string[]) => join(root, ...names);

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "nearfree-optimize-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** How many of the golden texts a folder's model writes, one position at a time; and whether it then gives several rows at once. */
async function rightTexts(folder: string, golden: ReturnType<typeof readGolden>) {
  const { runner, release } = await openModel(folder, { threads: 1, kvCache: "original" });
  const scheduler = createScheduler({ policy: "fixed", positions: 1 });
  let right = 0;
  for (const [i, prompt] of golden.prompts.entries()) {
    runner.rewind(0);
    const { tokens } = await decodeAll({ runner, scheduler, prompt, maxNewTokens: 48 });
    if (`${tokens}` === `${golden.tokens[i]!.slice(0, 48)}`) right++;
  }
  const { kvCache, rowsAtOnce } = runner.describe();
  await release();
  return { right, kvCache, rowsAtOnce };
}

describe("optimizeModel keeps the tokens of real exports", () => {
  it.each([
    ["falcon-ts-q8", [LEAN]],
    ["gemma3-oga-fp32", [LEAN]],
    ["gptoss-oga-fp32", [LEAN]],
    ["phi3long-oga-fp32", [LEAN]],
    ["qwen2-oga-int4", [ROWS]],
    ["llama-optimum-bnb4", [LEAN]],
    ["llama-oga-fp32prune", [UNPRUNE]],
    ["llama-oga-fp32prune", [UNPRUNE, LEAN]],
  ] as const)("%s %j", async (name, steps) => {
    const folder = join(EXPORTS, name);
    const { out, steps: done } = await optimizeModel(folder, { steps, out: at("out"), threads: 1 });
    expect(out).toBe(at("out"));
    for (const { changed, effect } of done) {
      expect(changed).toBe(true);
      expect(effect!.logits.sameChoice).toBe(effect!.logits.rows);
      expect(effect!.speed.map(({ rows }) => rows)).toEqual([1, 4, 1, 4]);
      for (const { low, ratio, high } of effect!.speed) expect(low <= ratio && ratio <= high).toBe(true);
    }
    const golden = readGolden(folder);
    const { right, kvCache } = await rightTexts(at("out"), golden);
    expect(right).toBe(golden.prompts.length);
    if (steps.some(({ step }) => step === "form")) expect(kvCache).toBe("lean");
  });

  it("gives several rows at once where the head was pruned", async () => {
    const folder = join(EXPORTS, "llama-oga-fp32prune");
    await expect(openModel(folder)).rejects.toThrow("a row for the last position only");
    await optimizeModel(folder, { steps: [UNPRUNE], out: at("out"), threads: 1 });
    expect((await rightTexts(at("out"), readGolden(folder))).rowsAtOnce).toBe(Number.POSITIVE_INFINITY);
  });
});

describe("optimizeModel with changes that move logits", () => {
  const INT4: OptimizeStep = { step: "int4", blockSize: 32, accuracyLevel: 1 };

  it.each([false, true])("quantises, on top of a form, and reports both (standalone: %s)", async (standalone) => {
    const folder = join(EXPORTS, "gemma3-oga-fp32");
    const { steps } = await optimizeModel(folder, { steps: [LEAN, INT4], out: at("out"), standalone, threads: 1 });
    expect(steps.map(({ step, changed }) => [step, changed])).toEqual([
      ["form", true],
      ["int4", true],
    ]);
    const [form, int4] = steps.map(({ effect }) => effect!.logits);
    expect(form!.largestError).toBeLessThan(1e-3);
    expect(int4!.medianError).toBeGreaterThan(0.01);
    expect(int4!.medianError).toBeLessThan(1);
    const model = await openModel(at("out"), { threads: 1, kvCache: "original" });
    expect(model.runner.describe().kvCache).toBe("lean");
    expect(model.summary.weightBytes).toBeLessThan((await openSummary(folder)).weightBytes / 2);
    await model.release();
  });

  it("sets accuracy levels, and says how far that moves logits", async () => {
    const folder = join(EXPORTS, "qwen2-oga-int4");
    const level = (n: 1 | 4): OptimizeStep => ({ step: "accuracy-level", level: n });
    const { steps } = await optimizeModel(folder, { steps: [level(1)], out: at("out"), threads: 1 });
    expect(steps[0]).toMatchObject({ changed: true, detail: expect.stringMatching(/^11 of 11 .* at 4$/) });
    expect(steps[0]!.effect!.logits.largestError).toBeGreaterThan(0);
    const back = await optimizeModel(at("out"), { steps: [level(4)], out: at("back"), threads: 1 });
    expect(back.steps[0]!.detail).toMatch(/at 1$/);
    const golden = readGolden(folder);
    expect((await rightTexts(at("back"), golden)).right).toBe(golden.prompts.length);
  });
});

async function openSummary(folder: string) {
  return (await examineModel(folder)).summary;
}

describe("optimizeModel", () => {
  it("copies settings and tokenizer, leaves nothing else, and replaces its own result", async () => {
    await writeModelFolder(at("model"));
    const first = await optimizeModel(at("model"), { steps: [LEAN], threads: 1 });
    expect(first).toMatchObject({ out: at("model-nearfree"), weights: "linked" });
    expect((await readdir(first.out!)).sort()).toEqual(["config.json", "nearfree.json", "onnx", "tokenizer.json"]);
    expect(JSON.parse(await readFile(join(first.out!, "nearfree.json"), "utf8"))).toMatchObject({ weights: "linked" });
    await optimizeModel(at("model"), { steps: [ROWS], standalone: true, threads: 1 });
    expect((await readdir(root)).sort()).toEqual(["model", "model-nearfree"]);
    expect((await stat(join(first.out!, "onnx", "model.onnx_data"))).nlink).toBe(1);
    await rm(at("model"), { recursive: true });
    await (await openModel(first.out!, { threads: 1 })).release();
  });

  it("compares each step with the original, on all steps before it", async () => {
    await writeModelFolder(at("model"));
    const steps: OptimizeStep[] = [UNPRUNE, ROWS, { step: "accuracy-level", level: 4 }];
    const result = await optimizeModel(at("model"), { steps, threads: 1 });
    expect(result.steps.map(({ changed }) => changed)).toEqual([false, true, false]);
    expect(result.steps[1]!.effect!.logits).toMatchObject({ largestError: 0, medianError: 0 });
    expect(result.steps[0]).not.toHaveProperty("effect");
  });

  it("writes nothing where nothing changes", async () => {
    await writeModelFolder(at("model"));
    const { out, steps } = await optimizeModel(at("model"), { steps: [UNPRUNE] });
    expect([out, steps[0]!.changed]).toEqual([undefined, false]);
    expect(await readdir(root)).toEqual(["model"]);
  });

  it("leaves nothing behind where it is aborted", async () => {
    await writeModelFolder(at("model"));
    const controller = new AbortController();
    const onProgress = (what: string) => {
      if (what.startsWith("comparing")) controller.abort();
    };
    const run = optimizeModel(at("model"), { steps: [LEAN], threads: 1, signal: controller.signal, onProgress });
    await expect(run).rejects.toMatchObject({
      code: "aborted",
      message: expect.stringContaining("nothing was written"),
    });
    expect(await readdir(root)).toEqual(["model"]);
  });

  it("takes a file by itself, in a folder without settings", async () => {
    await writeModelFile(at("decoder.onnx"), testDecoder());
    const { out } = await optimizeModel(at("decoder.onnx"), { steps: [LEAN], out: `${root}-out`, threads: 1 });
    try {
      expect((await readdir(out!)).sort()).toEqual(["decoder.onnx", "decoder.onnx_data", "nearfree.json"]);
    } finally {
      await rm(out!, { recursive: true });
    }
  });
});
