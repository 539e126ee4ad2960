import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { DataFile } from "./data-file.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "nearfree-data-"));
});
afterEach(() => rm(folder, { recursive: true }));

it("says where each tensor is, aligned, however many pieces it came in", async () => {
  const path = join(folder, "model.onnx_data");
  const stored = await DataFile.write(path, async (data) => {
    const first = await data.append([Uint8Array.of(1, 2), Uint8Array.of(3)]);
    const second = await data.append([Uint8Array.of(4)]);
    await data.sync();
    expect(data.byteLength).toBe(65_537);
    return [first, second];
  });
  expect(stored).toEqual([
    { location: "model.onnx_data", offset: 0, length: 3 },
    { location: "model.onnx_data", offset: 65_536, length: 1 },
  ]);
  const bytes = await readFile(path);
  expect([...bytes.subarray(0, 3), ...bytes.subarray(65_536)]).toEqual([1, 2, 3, 4]);
});
