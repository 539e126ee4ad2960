import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InferenceSession } from "onnxruntime-node";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { resolveModelFolder } from "../../model-folder/model-folder.ts";
import { writeModelFile } from "../../onnx/write/write-model-file.ts";
import { sampleDecoder } from "../../testing/sample-decoder.ts";
import type { OptimizeStep } from "./optimize-step.ts";
import { writeVariant } from "./write-variant.ts";

const LEAN: OptimizeStep = { step: "form", form: "lean" };

let root: string;
const at = (...names: string[]) => join(root, ...names);

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "nearfree-variant-"));
  await mkdir(at("model", "onnx"), { recursive: true });
  await mkdir(at("out"));
  await writeFile(at("model", "config.json"), "{}");
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function write(steps: readonly OptimizeStep[], weights?: "linked" | "copied") {
  return writeVariant(await resolveModelFolder(at("model")), steps, at("out"), weights && { weights });
}

async function inputsOf(path: string): Promise<readonly string[]> {
  const session = await InferenceSession.create(path, { logSeverityLevel: 3 });
  const { inputNames } = session;
  await session.release();
  return inputNames;
}

describe("writeVariant", () => {
  it("keeps layout and names; weights inside the graph's own file are linked under another", async () => {
    await writeModelFile(at("model", "onnx", "model.onnx"), sampleDecoder());
    const { outcomes } = await write([LEAN]);
    expect(outcomes).toEqual([{ step: "form", changed: true, detail: expect.stringContaining("lean") }]);
    expect((await readdir(at("out"), { recursive: true })).sort()).toEqual([
      "config.json",
      "onnx",
      join("onnx", "model.onnx"),
      join("onnx", "model.onnx_data"),
    ]);
    const [linked, original] = [
      await stat(at("out", "onnx", "model.onnx_data")),
      await stat(at("model", "onnx", "model.onnx")),
    ];
    expect(linked.ino).toBe(original.ino);
    expect(await inputsOf(at("out", "onnx", "model.onnx"))).toContain("nearfree_bias");
  });

  it("links external weights under their own names", async () => {
    await writeModelFile(at("model", "onnx", "model.onnx"), sampleDecoder(), { externalDataAboveBytes: 0 });
    await write([LEAN]);
    expect((await readdir(at("out", "onnx"))).sort()).toEqual(["model.onnx", "model.onnx_data"]);
    await inputsOf(at("out", "onnx", "model.onnx"));
  });

  it.each([0, 2 ** 30])(
    "copies weights so that the original can go (external above %i bytes)",
    async (externalDataAboveBytes) => {
      await writeModelFile(at("model", "onnx", "model.onnx"), sampleDecoder(), { externalDataAboveBytes });
      await write([LEAN], "copied");
      for (const name of await readdir(at("out", "onnx"))) expect((await stat(at("out", "onnx", name))).nlink).toBe(1);
      await rm(at("model"), { recursive: true });
      expect(await inputsOf(at("out", "onnx", "model.onnx"))).toContain("nearfree_bias");
    },
  );

  it("says of each step what it did, or why it did nothing", async () => {
    await writeModelFile(at("model", "onnx", "model.onnx"), sampleDecoder());
    const { outcomes } = await write([
      { step: "unprune-head" },
      { step: "form", form: "rows" },
      { step: "accuracy-level", level: 4 },
    ]);
    expect(outcomes.map(({ changed }) => changed)).toEqual([false, true, false]);
    expect(outcomes[0]!.detail).toContain("already");
    expect(outcomes[1]!.detail).toMatch(/^rows: /);
    expect(outcomes[2]!.detail).toContain("no MatMulNBits node");
  });

  it("does not rewrite a rewritten graph again", async () => {
    await writeModelFile(at("model", "onnx", "model.onnx"), sampleDecoder());
    await write([LEAN]);
    await mkdir(at("again"));
    const { outcomes } = await writeVariant(await resolveModelFolder(at("out")), [LEAN], at("again"));
    expect(outcomes).toEqual([{ step: "form", changed: false, detail: expect.stringContaining("already") }]);
  });
});
