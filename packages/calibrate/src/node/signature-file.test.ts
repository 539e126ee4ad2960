import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DeviceSignature } from "@nearfree/core";
import { afterEach, beforeEach, expect, it } from "vitest";
import { SIGNATURE_METHOD } from "../measure-signature.ts";
import { readSignature, signaturePath, writeSignature } from "./signature-file.ts";

const SIGNATURE: DeviceSignature = {
  version: 1,
  environment: {
    runtime: "onnxruntime-node",
    runtimeVersion: "1.30.0",
    executionProvider: "cpu",
    options: {},
    threads: 2,
    graphOptimizationLevel: "all",
    device: { cpu: "test" },
  },
  origin: "measured",
  measuredAt: "2026-01-01T00:00:00.000Z",
  method: SIGNATURE_METHOD,
  cache: { insideBytes: 1, beyondBytes: 2 },
  kernels: [],
  elementWise: { nodeMs: 0, elementMs: 0 },
  host: { runMs: 0, copies: [{ bytes: 1, ms: 0 }] },
  run: { forwards: 0, ms: 0 },
};

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "nearfree-signature-"));
});
afterEach(() => rm(root, { recursive: true }));

it("gives back what was written, for its own environment only", async () => {
  expect(await readSignature(root, SIGNATURE.environment)).toBeUndefined();
  await writeSignature(root, SIGNATURE);
  expect(await readSignature(root, SIGNATURE.environment)).toEqual(SIGNATURE);
  expect(await readSignature(root, { ...SIGNATURE.environment, threads: 1 })).toBeUndefined();
});

it.each([
  ["cut short", (text: string) => text.slice(0, -20)],
  ["changed", (text: string) => text.replace('"threads": 2', '"threads": 3')],
  ["of another format", (text: string) => text.replace("nearfree-signature", "other")],
  ["empty", () => ""],
])("a file that is %s counts as missing, once, and is set aside", async (_what, damage) => {
  await writeSignature(root, SIGNATURE);
  const path = signaturePath(root, SIGNATURE.environment);
  await writeFile(path, damage(await readFile(path, "utf8")));
  const warnings: string[] = [];
  const read = () => readSignature(root, SIGNATURE.environment, (message) => warnings.push(message));
  expect([await read(), await read()]).toEqual([undefined, undefined]);
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toContain("device.json.bad");
});

it("refuses a root that cannot hold it in one line", async () => {
  await writeFile(join(root, "v1"), "in the way");
  await expect(writeSignature(root, SIGNATURE)).rejects.toMatchObject({ code: "store-unwritable" });
});
