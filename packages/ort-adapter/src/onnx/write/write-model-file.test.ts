import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { GraphBuilder } from "../../build/graph-builder.ts";
import { openModelFiles } from "../read/file-source.ts";
import { readModel } from "../read/reader.ts";
import { publishFolder } from "./publish-folder.ts";
import { writeModelFile } from "./write-model-file.ts";

const SIZE = 64;

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "nearfree-write-"));
});
afterAll(() => rm(root, { recursive: true }));

/** y = x A B + c. */
function product() {
  const g = new GraphBuilder();
  g.input("x", "float32", ["n", SIZE]);
  g.output("y", "float32", ["n", SIZE]);
  const matrix = (name: string, phase: number) => {
    const values = Float32Array.from({ length: SIZE * SIZE }, (_, i) => Math.sin(i + phase));
    return g.constant(name, "float32", [SIZE, SIZE], values);
  };
  const first = g.add("/a/MatMul", "MatMul", ["x", matrix("a", 0)]);
  const second = g.add("/b/MatMul", "MatMul", [first, matrix("b", 1)]);
  g.add("/c/Add", "Add", [second, g.float32(3)], { output: "y" });
  return g.build("product");
}

async function run(path: string): Promise<ArrayLike<number>> {
  const session = await InferenceSession.create(path);
  const x = new Tensor(
    "float32",
    Float32Array.from({ length: SIZE }, (_, i) => i / SIZE),
    [1, SIZE],
  );
  return (await session.run({ x })).y!.data as Float32Array;
}

describe("writeModelFile", () => {
  it("writes large tensors to a second file, aligned, and ONNX Runtime gives the same result", async () => {
    const whole = join(root, "whole.onnx");
    const parted = join(root, "parted.onnx");
    await writeModelFile(whole, product());
    await writeModelFile(parted, product(), { externalDataAboveBytes: 1 });
    expect((await readdir(root)).sort()).toEqual(["parted.onnx", "parted.onnx_data", "whole.onnx"]);
    expect((await stat(parted)).size).toBeLessThan(1000);
    const { initializers } = readModel(openModelFiles(parted)).graph;
    const places = initializers.map(({ name, stored }) => [name, stored?.location, stored && stored.offset % 65_536]);
    expect(places).toContainEqual(["a", "parted.onnx_data", 0]);
    expect(places).toContainEqual(["b", "parted.onnx_data", 0]);
    expect(await run(parted)).toEqual(await run(whole));
  });
});

describe("publishFolder", () => {
  it("leaves nothing behind when filling fails", async () => {
    const parent = join(root, "failed");
    const fill = async (folder: string) => {
      await writeFile(join(folder, "half"), "x");
      throw new Error("disk full");
    };
    await expect(publishFolder(join(parent, "model"), fill)).rejects.toThrow("disk full");
    expect(await readdir(parent)).toEqual([]);
  });

  it("keeps what another process published meanwhile", async () => {
    const parent = join(root, "raced");
    const target = join(parent, "model");
    const fill = (name: string) => (folder: string) => writeFile(join(folder, name), "x");
    await publishFolder(target, fill("theirs"));
    await publishFolder(target, fill("ours"));
    expect(await readdir(target)).toEqual(["theirs"]);
    expect(await readdir(parent)).toEqual(["model"]);
  });
});
