import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildDecoder, type DecoderSpec, GENERATED_SHAPES, randomWeights } from "@nearfree/ort-adapter";
import { writeModelFile } from "@nearfree/ort-adapter/node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { measureRouting } from "./measure-routing.ts";

const TOKENS = Int32Array.from({ length: 120 }, (_, i) => (i * 37 + 11) % 300);
const EXPERTS = { count: 6, active: 2 };
const SHAPE = { ...GENERATED_SHAPES.tiny, vocabularySize: 300, contextLimit: 160 };
const sessionOptions = { executionProviders: ["cpu"], intraOpNumThreads: 1, logSeverityLevel: 4 } as const;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nearfree-routed-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function write(name: string, spec: Partial<DecoderSpec>, externalDataAboveBytes?: number): Promise<string> {
  const path = join(folder, name, "model.onnx");
  await mkdir(join(folder, name));
  const model = buildDecoder({ shape: SHAPE, attention: "gqa", quantisation: "fp32", ...spec }, randomWeights(1));
  await writeModelFile(path, model, externalDataAboveBytes === undefined ? {} : { externalDataAboveBytes });
  return path;
}

describe("measureRouting on real sessions", () => {
  it.each([
    ["one file", "gqa", undefined],
    ["external weights", "decomposed", 0],
  ] as const)("counts the experts that a text wakes: %s", async (name, attention, external) => {
    const path = await write(name, { shape: { ...SHAPE, experts: EXPERTS }, attention }, external);
    const before = await readFile(path);
    const woken = (await measureRouting(path, { tokens: TOKENS, sessionOptions }))!;
    expect(woken).toHaveLength(64);
    expect(woken[0]).toBe(EXPERTS.active);
    expect(woken.every((value, i) => i === 0 || value >= woken[i - 1]!)).toBe(true);
    expect(woken[15]).toBeGreaterThan(EXPERTS.active);
    expect(woken.at(-1)).toBeLessThanOrEqual(EXPERTS.count);
    // The model itself is as it was.
    expect((await readFile(path)).equals(before)).toBe(true);
    expect((await readdir(tmpdir())).filter((entry) => entry.startsWith("nearfree-routing-"))).toEqual([]);
  });

  it("has nothing to say of a dense model", async () => {
    const path = await write("dense", {});
    expect(await measureRouting(path, { tokens: TOKENS, sessionOptions })).toBeUndefined();
  });
});
