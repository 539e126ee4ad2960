import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { GraphBuilder } from "../../build/graph-builder.ts";
import { dequantiseInt4, quantiseInt4 } from "../../build/int4.ts";
import type { Model } from "../../onnx/model.ts";
import { openModelFiles } from "../../onnx/read/file-source.ts";
import { readModel } from "../../onnx/read/reader.ts";
import { DataFile } from "../../onnx/write/data-file.ts";
import { writeModelFile } from "../../onnx/write/write-model-file.ts";
import { sampleDecoder } from "../../testing/sample-decoder.ts";
import { writeRewrite } from "../write-rewrite.ts";
import { findProducts, int4Outcome, quantiseProducts } from "./quantise-products.ts";

const [INPUTS, OUTPUTS, TOKENS] = [48, 24, 10];

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "nearfree-int4-"));
});
afterEach(() => rm(folder, { recursive: true }));

const wave = (length: number, step: number) => Float32Array.from({ length }, (_, i) => Math.sin(i * step));

/** x [1, 48] by a matrix, and token rows of a table by that table's transpose: a tied head. */
function products(): Model {
  const g = new GraphBuilder();
  g.input("x", "float32", [1, INPUTS]);
  g.input("ids", "int64", [2]);
  g.output("y", "float32", [1, OUTPUTS]);
  g.output("scores", "float32", [2, TOKENS]);
  const weight = g.constant("proj.weight", "float32", [INPUTS, OUTPUTS], wave(INPUTS * OUTPUTS, 0.7));
  g.add("/proj/MatMul", "MatMul", ["x", weight], { output: "y" });
  const table = g.constant("embed.weight", "float32", [TOKENS, INPUTS], wave(TOKENS * INPUTS, 0.13));
  const rows = g.add("/embed/Gather", "Gather", [table, "ids"]);
  const turned = g.add("/head/Transpose", "Transpose", [table], {
    attributes: { perm: { kind: "ints", value: [1, 0] } },
  });
  g.add("/head/MatMul", "MatMul", [rows, turned], { output: "scores" });
  return g.build("products");
}

async function quantised(
  model: Model,
  blockSize: number,
  accuracyLevel: 0 | 1 | 4 = 1,
): Promise<{ path: string; read: Model }> {
  const source = join(folder, "model.onnx");
  await writeModelFile(source, model);
  const files = openModelFiles(source);
  try {
    const found = readModel(files);
    const options = { ...findProducts(found), blockSize, accuracyLevel };
    const location = "int4_data";
    const edited = await DataFile.write(join(folder, location), (data) =>
      quantiseProducts(found, files, data, options),
    );
    const present = new Set([location]);
    const ownAs = "model.onnx_data";
    const path = await writeRewrite(edited, { source, files, folder, fileName: "int4.onnx", ownAs, present });
    return { path, read: edited };
  } finally {
    files.close();
  }
}

describe("quantiseProducts", () => {
  it.each([16, 32])(
    "multiplies by blocks of %i, the last filled up, of matrices and of their transposes",
    async (blockSize) => {
      const { path } = await quantised(products(), blockSize);
      const session = await InferenceSession.create(path, { logSeverityLevel: 3 });
      const x = wave(INPUTS, 1.1);
      const ids = [3, 7];
      const feeds = {
        x: new Tensor("float32", x, [1, INPUTS]),
        ids: new Tensor("int64", BigInt64Array.from(ids, BigInt), [2]),
      };
      const { y, scores } = await session.run(feeds);
      await session.release();
      const blocks = Math.ceil(INPUTS / blockSize) * blockSize;
      /** What a row of weights stands for once it is quantised. */
      const rowOf = (weightAt: (i: number) => number) => {
        const row = Float32Array.from({ length: blocks }, (_, i) => (i < INPUTS ? weightAt(i) : 0));
        return dequantiseInt4(quantiseInt4(row, blockSize), blockSize);
      };
      const weight = wave(INPUTS * OUTPUTS, 0.7);
      for (const [n, value] of (y!.data as Float32Array).entries()) {
        const row = rowOf((i) => weight[i * OUTPUTS + n]!);
        expect(value).toBeCloseTo(
          x.reduce((sum, each, i) => sum + each * row[i]!, 0),
          3,
        );
      }
      const table = wave(TOKENS * INPUTS, 0.13);
      for (const [at, value] of (scores!.data as Float32Array).entries()) {
        const row = rowOf((i) => table[(at % TOKENS) * INPUTS + i]!);
        const id = ids[Math.floor(at / TOKENS)]!;
        const expected = row.subarray(0, INPUTS).reduce((sum, each, i) => sum + each * table[id * INPUTS + i]!, 0);
        expect(value).toBeCloseTo(expected, 3);
      }
    },
  );

  it("keeps the table of a tied head, and lets go of what nobody reads", async () => {
    const { read } = await quantised(products(), 32);
    const names = read.graph.initializers.map(({ name }) => name);
    expect(names).toContain("embed.weight");
    expect(names).not.toContain("proj.weight");
    expect(read.graph.nodes.map(({ opType }) => opType).sort()).toEqual(["Gather", "MatMulNBits", "MatMulNBits"]);
  });

  it("quantises once what several products share", async () => {
    const { graph, ...model } = products();
    const first = graph.nodes[0]!;
    const twin = { ...first, name: "/twin", outputs: ["twin"] };
    const outputs = [...graph.outputs, { ...graph.outputs[0]!, name: "twin" }];
    const { read } = await quantised({ ...model, graph: { ...graph, nodes: [...graph.nodes, twin], outputs } }, 32);
    expect(read.graph.nodes.filter(({ opType }) => opType === "MatMulNBits")).toHaveLength(3);
    expect(read.graph.initializers.filter(({ name }) => name.startsWith("proj.weight"))).toHaveLength(2);
  });

  it("stops between two matrices", async () => {
    const source = join(folder, "model.onnx");
    await writeModelFile(source, products());
    const files = openModelFiles(source);
    const model = readModel(files);
    const options = { ...findProducts(model), blockSize: 32, accuracyLevel: 4 as const, signal: AbortSignal.abort() };
    const run = DataFile.write(join(folder, "data"), (data) => quantiseProducts(model, files, data, options));
    await expect(run).rejects.toMatchObject({ code: "aborted" });
    files.close();
  });
});

describe("int4Outcome", () => {
  it("says how many, how much smaller, and what becomes of the embedding", () => {
    const { detail, changed } = int4Outcome(findProducts(products()), 32);
    expect(changed).toBe(true);
    expect(detail).toMatch(
      /^2 MatMul in blocks of 32, .* MB to .* MB; the embedding stays fp32, and the head has blocks/,
    );
    const { graph, ...model } = products();
    const untied = { ...model, graph: { ...graph, nodes: graph.nodes.slice(0, 2) } };
    expect(int4Outcome(findProducts(untied), 32).detail).toMatch(/; embeddings stay fp32$/);
  });

  it("says that there are none", () => {
    const outcome = int4Outcome(findProducts(sampleDecoder({ quantisation: "int4" })), 32);
    expect(outcome).toEqual({ step: "int4", changed: false, detail: "no MatMul with constant fp32 weights" });
  });
});
