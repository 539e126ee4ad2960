import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cautiousSignature, type DeviceSignature, summaryIn } from "@nearfree/core/principle";
import { sampleSignature } from "@nearfree/core/test";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { examineModel } from "../../node/examine-model.ts";
import { writeSignature } from "../../node/predict/signature-file.ts";
import { SIGNATURE_METHOD } from "../../signature/measure-signature.ts";
import { captureOutput } from "../../testing/captured-output.ts";
import { writeModelFolder } from "../../testing/model-folder.ts";
import { main } from "../main.ts";
import { deviceText } from "./device-command.ts";

describe("deviceText", () => {
  const lines = deviceText(sampleSignature()).split("\n");

  test("says of which device, and what any model costs besides its kernels", () => {
    expect(lines.slice(0, 3)).toEqual([
      "cpu, 1 threads, measured 2026-01-01 (0 s)",
      "last-level cache: inside up to 1 MB, beyond from 10 MB",
      "a run 50.0 us, a node without weights 1.0 us + 1.00 ns an element",
    ]);
  });

  test("has a row a class, in GB/s, GFLOP/s and rows computed, with a dash for n that were not measured", () => {
    const table = lines
      .filter((line) => /^(class|MatMul|GroupQueryAttention|MoE) /.test(line))
      .map((line) => line.split(/ {2,}/));
    expect(table).toHaveLength(4);
    expect(table[0]!.slice(0, 4)).toEqual(["class", "GB/s in", "GB/s beyond", "GFLOP/s"]);
    // Passes of six rows: measured at 1, 6 and 12 of the columns shown.
    expect(table[1]).toEqual([
      "MatMul float32",
      "40.0",
      "10.0",
      "100.0",
      "1",
      "0.0 us",
      "6.0",
      "-",
      "-",
      "6.0",
      "-",
      "12.0",
      "-",
      "-",
    ]);
  });

  test("ends in the roofline of the same classes", () => {
    expect(lines).toContain("GFLOP/s reached, operands beyond the cache");
    expect(lines.at(-1)).toBe("a MatMul float32   b GroupQueryAttention float32   c MoE float32");
  });
});

describe("nearfree device", () => {
  const output = captureOutput();
  let folder: string;
  let model: string;
  let signature: DeviceSignature;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "nearfree-device-"));
    model = await writeModelFolder(join(folder, "model"));
    const { environment, summary } = await examineModel(model, { threads: 2 });
    // Every class of the model is known: nothing is left to measure.
    signature = { ...cautiousSignature(environment, summary), origin: "measured", method: SIGNATURE_METHOD };
    await writeSignature(folder, { ...signature, measuredAt: "2026-01-02T00:00:00.000Z" });
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test("prints what the cache has, as JSON and for people", async () => {
    expect(await main(["device", model, "--threads", "2", "--cache", folder, "--json"]), output.stderr).toBe(0);
    expect(output.json()).toEqual({ ...signature, measuredAt: "2026-01-02T00:00:00.000Z" });
    expect(await main(["device", model, "--threads", "2", "--cache", folder]), output.stderr).toBe(0);
    expect(output.stdout).toContain("cpu, 2 threads, measured 2026-01-02 (0 s)");
    expect(output.stdout).toMatch(/^GroupQueryAttention float32 /m);
  });

  test("takes the classes of the form that would run", async () => {
    const { environment, summary } = await examineModel(model, { threads: 2 });
    const root = join(folder, "lean");
    const lean = { ...cautiousSignature(environment, summaryIn(summary, "lean")), origin: "measured" as const };
    await writeSignature(root, { ...lean, method: SIGNATURE_METHOD });
    const args = ["device", model, "--threads", "2", "--cache", root, "--kv-cache", "lean"];
    expect(await main(args), output.stderr).toBe(0);
    expect(output.stdout).toMatch(/^GroupQueryAttention float32 lean /m);
  });

  test.each([
    [["no-such-model"], /no-such-model/],
    [["model", "--ep", "coreml"], /coreml/],
    [["model", "--threads", "0"], /--threads/],
  ])("refuses %j in one line", async ([name, ...args], line) => {
    expect(await main(["device", join(folder, name!), ...args, "--cache", folder])).toBe(2);
    expect(output.stderr).toMatch(line);
    expect(output.stderr.trimEnd().split("\n")).toHaveLength(1);
  });
});
