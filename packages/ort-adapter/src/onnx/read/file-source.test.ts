import { mkdtempSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NearfreeError } from "@nearfree/core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { summarizeFile } from "../../model-folder/summarize-file.ts";
import { sampleDecoder } from "../../testing/sample-decoder.ts";
import type { Model } from "../model.ts";
import { writeModelFile } from "../write/write-model-file.ts";
import { encodeModelToBytes } from "../write/writer.ts";

let folder = "";
let count = 0;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "nearfree-files-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A model with its weights in a file beside it. */
async function writeSample(): Promise<string> {
  const path = join(folder, `model-${count++}.onnx`);
  await writeModelFile(path, sampleDecoder(), { externalDataAboveBytes: 0 });
  return path;
}

function errorOf(path: string): NearfreeError {
  try {
    summarizeFile(path);
  } catch (error) {
    expect(error).toBeInstanceOf(NearfreeError);
    expect((error as Error).message).not.toContain("\n");
    return error as NearfreeError;
  }
  throw new Error("summarised without an error");
}

it("gives the same summary wherever the weights are", async () => {
  const external = summarizeFile(await writeSample()).summary;
  const inlinePath = join(folder, "inline.onnx");
  writeFileSync(inlinePath, encodeModelToBytes(sampleDecoder()));
  expect(external).toEqual(summarizeFile(inlinePath).summary);
});

it("follows symbolic links, of which download caches are made", async () => {
  const path = await writeSample();
  const elsewhere = mkdtempSync(join(tmpdir(), "nearfree-cache-"));
  try {
    symlinkSync(path, join(elsewhere, "model.onnx"));
    symlinkSync(`${path}_data`, join(elsewhere, `${path.split("/").at(-1)}_data`));
    expect(summarizeFile(join(elsewhere, "model.onnx"))).toEqual(summarizeFile(path));
  } finally {
    rmSync(elsewhere, { recursive: true });
  }
});

it("names the model or data file that is missing", async () => {
  expect(errorOf(join(folder, "nothing.onnx"))).toMatchObject({ code: "missing-file" });
  expect(errorOf(folder)).toMatchObject({ code: "missing-file" });
  const path = await writeSample();
  rmSync(`${path}_data`);
  const error = errorOf(path);
  expect(error.code).toBe("missing-file");
  expect(error.message).toContain(`${path}_data`);
});

it("sees external data that is cut short", async () => {
  const path = await writeSample();
  truncateSync(`${path}_data`, readFileSync(`${path}_data`).length - 1);
  const error = errorOf(path);
  expect(error.code).toBe("invalid-model");
  expect(error.message).toContain("download the external data again");
});

it.each(["../secret", "a/../../secret", "/etc/passwd", ""])("refuses external data at %j", (location) => {
  const model = sampleDecoder();
  const [first, ...rest] = model.graph.initializers;
  const stored = { location, offset: 0, length: 4 };
  const escaping: Model = {
    ...model,
    graph: { ...model.graph, initializers: [{ name: first!.name, type: "float32", dims: [1], stored }, ...rest] },
  };
  const path = join(folder, "escaping.onnx");
  writeFileSync(path, encodeModelToBytes(escaping));
  expect(errorOf(path).code).toBe("invalid-model");
});
