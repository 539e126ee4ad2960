import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InferenceSession } from "onnxruntime-node";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openModelFiles } from "../onnx/read/file-source.ts";
import { readModel } from "../onnx/read/reader.ts";
import { writeModelFile } from "../onnx/write/write-model-file.ts";
import { sampleDecoder } from "../testing/sample-decoder.ts";
import { REWRITE_FILE, writeRewrite } from "./write-rewrite.ts";

let root: string;
let source: string;
let folder: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "nearfree-write-"));
  source = join(root, "model", "model.onnx");
  folder = join(root, "rewrite");
  await mkdir(join(root, "model"));
  await mkdir(folder);
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** Writes the model at `source` into `folder` as it is. */
async function write(): Promise<string> {
  const files = openModelFiles(source);
  try {
    return await writeRewrite(readModel(files), { source, files, folder });
  } finally {
    files.close();
  }
}

describe("writeRewrite", () => {
  it.each([
    ["in the model's own file", {}, "model.onnx"],
    ["in a file beside it", { externalDataAboveBytes: 0 }, "model.onnx_data"],
  ])("leaves weights where they are, linked: %s", async (_name, options, linked) => {
    await writeModelFile(source, sampleDecoder(), options);
    expect(await write()).toBe(join(folder, REWRITE_FILE));
    expect((await readdir(folder)).sort()).toEqual([linked, REWRITE_FILE].sort());
    expect((await stat(join(folder, linked))).ino).toBe((await stat(join(root, "model", linked))).ino);
    expect((await stat(join(folder, REWRITE_FILE))).size).toBeLessThan(60_000);
    await (await InferenceSession.create(join(folder, REWRITE_FILE), { logSeverityLevel: 3 })).release();
  });

  it("reads back as the graph that was written, to the byte of its weights", async () => {
    await writeModelFile(source, sampleDecoder());
    await write();
    const bytesOf = (path: string) => {
      const files = openModelFiles(path);
      const { initializers } = readModel(files).graph;
      const found = initializers.map(({ name, data, stored }) => {
        const from = stored?.location === undefined ? files.model : files.external!(stored.location);
        return [name, data ?? from.read(stored!.offset, stored!.length)] as const;
      });
      files.close();
      return new Map(found);
    };
    expect(bytesOf(join(folder, REWRITE_FILE))).toEqual(bytesOf(source));
  });

  it("brings the tensors of attributes along, since they cannot point into another file", async () => {
    const model = sampleDecoder();
    const data = new Uint8Array(Float32Array.from({ length: 600 }, (_, i) => i).buffer);
    const value = { name: "", type: "float32", dims: [600], data } as const;
    const constant = {
      name: "k",
      opType: "Constant",
      domain: "",
      inputs: [],
      outputs: ["k"],
      attributes: new Map([["value", { kind: "tensor", value } as const]]),
    };
    await writeModelFile(source, { ...model, graph: { ...model.graph, nodes: [...model.graph.nodes, constant] } });
    await write();
    const files = openModelFiles(join(folder, REWRITE_FILE));
    const attribute = readModel(files).graph.nodes.at(-1)!.attributes.get("value");
    const { stored } = attribute?.kind === "tensor" ? attribute.value : { stored: undefined };
    expect(stored?.location).toBeUndefined();
    expect(files.model.read(stored!.offset, stored!.length)).toEqual(data);
    files.close();
  });

  it("writes over nothing", async () => {
    await writeModelFile(source, sampleDecoder());
    await writeFile(join(folder, REWRITE_FILE), "another's");
    await expect(write()).rejects.toMatchObject({ code: "EEXIST" });
  });
});
