import { mkdtemp, readdir, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cautiousSignature, type DeviceSignature, parseSignature } from "@nearfree/core/principle";
import { summarizeFile, writeModelFile } from "@nearfree/ort-adapter/node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { examineModel } from "../../node/examine-model.ts";
import { writeSignature } from "../../node/predict/signature-file.ts";
import { SIGNATURE_METHOD } from "../../signature/measure-signature.ts";
import { captureOutput } from "../../testing/captured-output.ts";
import { TEST_SHAPE, testDecoder, writeModelFolder } from "../../testing/model-folder.ts";
import { main } from "../main.ts";

let folder: string;
let model: string;
const output = captureOutput();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nearfree-predict-"));
  model = await writeModelFolder(join(folder, "model"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const nearfree = (...args: string[]) => main([...args, "--cache", join(folder, "cache")]);

/** A signature as a file, with a device of its own. */
async function signatureFile(name: string, change: Partial<DeviceSignature> = {}): Promise<string> {
  const { environment, summary } = await examineModel(model);
  const signature = { ...cautiousSignature(environment, summary), ...change };
  expect(parseSignature(signature)).toEqual(signature);
  const path = join(folder, `${name}.json`);
  await writeFile(path, JSON.stringify(signature));
  return path;
}

describe("predict", () => {
  test("says, from the graph alone, what is near-free, what limits it, and what it knows of the device", async () => {
    expect(await nearfree("predict", model), output.stderr).toBe(0);
    expect(output.stdout).toMatch(
      /predicted, not measured; no signature of this device yet .*: from the kernel table of cpu/,
    );
    expect(output.stdout).toMatch(/what limits this model here is /);
    expect(output.stdout).toMatch(/epsilon +predicted +idle-compute +over-prediction +limited by/);
    expect(output.stdout).toMatch(/dense-ffn MatMul float32 +\d+%/);
    expect(output.stdout).toMatch(/attention GroupQueryAttention float32 +\d+%/);
  });

  test("--json: every curve, boundary and mechanism", async () => {
    expect(await nearfree("predict", model, "--json", "--context", "32", "--max-positions", "16")).toBe(0);
    const { basis, prediction, model: hash } = output.json();
    expect(basis).toBe("kernel-table");
    expect(hash).toBe(summarizeFile(join(model, "onnx", "model.onnx")).summary.structureHash);
    expect(prediction).toMatchObject({ cell: { contextLength: 32, batch: 1 }, maxPositions: 16 });
    expect(prediction.costMs).toHaveLength(16);
    expect(prediction.boundaries.map(({ epsilon }: { epsilon: number }) => epsilon)).toEqual([0.05, 0.1, 0.2, 0.5]);
  });

  test("reads no weights: the file of the weights may be cut to zeros", async () => {
    const place = join(folder, "external");
    await writeModelFolder(place);
    const path = join(place, "onnx", "model.onnx");
    await writeModelFile(path, testDecoder(), { externalDataAboveBytes: 0 });
    expect(await nearfree("predict", path, "--json"), output.stderr).toBe(0);
    const before = output.json().prediction;
    const data = (await readdir(join(place, "onnx"))).find((name) => name !== "model.onnx")!;
    const { size } = await stat(join(place, "onnx", data));
    await truncate(join(place, "onnx", data), 0);
    await truncate(join(place, "onnx", data), size);
    expect(await nearfree("predict", path, "--json"), output.stderr).toBe(0);
    expect(output.json().prediction.costMs).toEqual(before.costMs);
  });

  test("--device: a signature from elsewhere, or published figures, labelled as such", async () => {
    const faster = await signatureFile("elsewhere", { measuredAt: "2026-01-02T00:00:00.000Z" });
    expect(await nearfree("predict", model, "--device", faster)).toBe(0);
    expect(output.stdout).toMatch(/signature of .*, cpu, \d+ threads?, 2026-01-02/);
    expect(await nearfree("predict", model, "--device", "h100-sxm", "--json")).toBe(0);
    expect(output.json()).toMatchObject({ basis: "published", environment: { executionProvider: "cuda" } });
    expect(await nearfree("predict", model, "--device", "h100-sxm")).toBe(0);
    expect(output.stdout).toContain("idle compute and tile table of NVIDIA H100 SXM");
  });

  test("takes this device's own signature where the cache has one", async () => {
    const { environment, summary } = await examineModel(model, { threads: 3 });
    const root = join(folder, "own");
    const own = { ...cautiousSignature(environment, summary), origin: "measured" as const, method: SIGNATURE_METHOD };
    await writeSignature(root, { ...own, measuredAt: "2026-01-02T00:00:00.000Z" });
    expect(await main(["predict", model, "--threads", "3", "--cache", root]), output.stderr).toBe(0);
    expect(output.stdout).toContain("predicted, not measured; signature of this device, 2026-01-02\n");
  });

  test("--kv-cache: prices the graph that would run, and says which", async () => {
    expect(await nearfree("predict", model, "--kv-cache", "lean"), output.stderr).toBe(0);
    expect(output.stdout).toMatch(/batch 1, KV cache lean$/m);
    expect(output.stdout).toMatch(/attention GroupQueryAttention float32 lean +\d+%/);
    const costOf = async (...args: string[]) => {
      expect(await nearfree("predict", model, "--json", ...args), output.stderr).toBe(0);
      const { form, prediction } = output.json();
      return [form, prediction.costMs[0]];
    };
    const [form, ms] = await costOf();
    const [lean, leanMs] = await costOf("--kv-cache", "lean");
    expect([form, lean]).toEqual(["original", "lean"]);
    expect(leanMs).toBeLessThan(ms);
    // On another device's accelerator the cache stays where it is, and the original graph runs.
    expect((await costOf("--kv-cache", "lean", "--device", "rtx-4090"))[0]).toBe("original");
    expect(await nearfree("advise", model, "--kv-cache", "rows"), output.stderr).toBe(0);
    expect(output.stdout).toContain("; KV cache rows\n");
  });

  test.each([
    [["--device", "no-such-device"], /--device no-such-device: expected a device signature or a known device/],
    [["--context", "4000"], /context: expected at most 159 positions/],
    [["--ep", "coreml"], /coreml/],
  ])("refuses %j in one line", async (args, line) => {
    expect(await nearfree("predict", model, ...args)).toBe(2);
    expect(output.stderr).toMatch(line);
    expect(output.stderr.trimEnd().split("\n")).toHaveLength(1);
  });

  test("refuses a device file that is no signature", async () => {
    const path = join(folder, "other.json");
    await writeFile(path, "{}");
    expect(await nearfree("predict", model, "--device", path)).toBe(2);
    expect(output.stderr).toContain("received JSON that is no signature of this version");
    await writeFile(path, "{");
    expect(await nearfree("predict", model, "--device", path)).toBe(2);
    expect(output.stderr).toContain("received a file that is not JSON");
  });
});

describe("advise", () => {
  test("has a row for the model as it is and for each change that it allows", async () => {
    expect(await nearfree("advise", model, "--json", "--threads", "2", "--acceptance", "0.5"), output.stderr).toBe(0);
    const { advice, acceptance } = output.json();
    expect(acceptance).toBe(0.5);
    expect(advice.map(({ change }: { change: string }) => change)).toEqual([
      "as it is",
      "weights in int8",
      "weights in int4",
      "KV cache lean",
      `context ${TEST_SHAPE.contextLimit / 8}`,
      `context ${2 * TEST_SHAPE.contextLimit}`,
      `context ${8 * TEST_SHAPE.contextLimit}`,
      "1 thread",
      "4 threads",
    ]);
    expect(await nearfree("advise", model)).toBe(0);
    expect(output.stdout).toMatch(/change +near-free +idle-compute +plain relative/);
  });

  test("refuses an acceptance that is no probability below 1", async () => {
    for (const value of ["1", "-0.1", "x", ""]) {
      expect(await nearfree("advise", model, "--acceptance", value)).toBe(2);
    }
    expect(output.stderr).toContain("--acceptance");
  });
});
