import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { Model, Tensor } from "../../onnx/model.ts";
import { byteSource } from "../../onnx/read/byte-source.ts";
import { DataFile } from "../../onnx/write/data-file.ts";
import { sampleDecoder } from "../../testing/sample-decoder.ts";
import { copyWeights } from "./copy-weights.ts";

it("copies what is stored in the model's file or beside it, but not what the new file has already", async () => {
  const folder = await mkdtemp(join(tmpdir(), "nearfree-copy-"));
  try {
    const files = { model: byteSource(Uint8Array.of(0, 1, 2)), external: () => byteSource(Uint8Array.of(7, 8, 9)) };
    const tensor = (name: string, parts: Partial<Tensor>): Tensor => ({ name, type: "uint8", dims: [2], ...parts });
    const path = join(folder, "data");
    const copied = await DataFile.write(path, async (data) => {
      const initializers = [
        tensor("inside", { stored: { offset: 1, length: 2 } }),
        tensor("beside", { stored: { location: "data", offset: 0, length: 2 } }),
        tensor("there", { stored: await data.append([Uint8Array.of(5, 6)]) }),
        tensor("small", { data: Uint8Array.of(3, 4), stored: { offset: 0, length: 2 } }),
      ];
      const model: Model = { ...sampleDecoder(), graph: { ...sampleDecoder().graph, initializers } };
      return copyWeights(model, files, data);
    });
    const bytes = await readFile(path);
    const found = copied.graph.initializers.map(({ name, data, stored }) => {
      const part = data ?? bytes.subarray(stored!.offset, stored!.offset + stored!.length);
      return [name, ...part];
    });
    expect(found).toEqual([
      ["inside", 1, 2],
      ["beside", 7, 8],
      ["there", 5, 6],
      ["small", 3, 4],
    ]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
