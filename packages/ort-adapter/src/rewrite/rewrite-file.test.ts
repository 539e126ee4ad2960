import {
  copyFile,
  link,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  truncate,
  utimes,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { InferenceSession } from "onnxruntime-node";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { summarizeFile } from "../model-folder/summarize-file.ts";
import { writeModelFile } from "../onnx/write/write-model-file.ts";
import { sampleDecoder } from "../testing/sample-decoder.ts";
import { rewriteModelFile } from "./rewrite-file.ts";

let folder: string;
let source: string;
let cache: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "nearfree-rewrite-"));
  source = join(folder, "model", "model.onnx");
  cache = join(folder, "cache");
  await mkdir(dirname(source));
  await writeModelFile(source, sampleDecoder());
});

afterEach(() => rm(folder, { recursive: true, force: true }));

async function rewritten() {
  const result = await rewriteModelFile(source, cache);
  if (result.form === "none") throw new Error(result.reason);
  return result;
}

describe("rewriteModelFile", () => {
  it("writes a small graph that ONNX Runtime loads, and links the weights", async () => {
    const { form, path } = await rewritten();
    expect(form).toBe("lean");
    expect((await stat(path)).size).toBeLessThan((await stat(source)).size / 2);
    const linked = await stat(join(dirname(path), "model.onnx"));
    expect(linked.ino).toBe((await stat(source)).ino);
    const session = await InferenceSession.create(path, { logSeverityLevel: 3 });
    expect(session.inputNames).toContain("nearfree_bias");
    await session.release();
  });

  it("does the same for weights in a file of their own, in a folder below", async () => {
    await writeModelFile(source, sampleDecoder(), { externalDataAboveBytes: 0 });
    const { path } = await rewritten();
    expect((await readdir(dirname(path))).sort()).toEqual(["model.onnx_data", "nearfree.onnx", "rewrite.json"]);
    await (await InferenceSession.create(path, { logSeverityLevel: 3 })).release();
  });

  it("finds its rewrite again, and makes another for another file", async () => {
    const first = await rewritten();
    expect(await rewritten()).toEqual(first);
    await utimes(source, new Date(1), new Date(1));
    expect((await rewritten()).path).not.toBe(first.path);
  });

  it("is made once by many at a time", async () => {
    const results = await Promise.all(Array.from({ length: 8 }, rewritten));
    expect(new Set(results.map(({ path }) => path)).size).toBe(1);
    expect(await readdir(cache)).toHaveLength(1);
  });

  it("ignores what a killed process left, and removes it when it is old", async () => {
    const left = join(cache, ".0123-abc");
    await mkdir(left, { recursive: true });
    await writeFile(join(left, "nearfree.onnx"), "half a graph");
    await rewritten();
    expect(await readdir(cache)).toContain(".0123-abc");
    await utimes(left, new Date(1), new Date(1));
    await utimes(source, new Date(1), new Date(1));
    await rewritten();
    expect(await readdir(cache)).not.toContain(".0123-abc");
  });

  it("lets the weights of a model go that is gone", async () => {
    const first = await rewritten();
    const other = join(folder, "model", "other.onnx");
    await writeModelFile(other, sampleDecoder({ attention: "decomposed" }));
    await rm(source);
    expect((await rewriteModelFile(other, cache)).form).toBe("lean");
    await expect(stat(first.path)).rejects.toThrow("ENOENT");
  });

  it.each<[string, (folder: string) => Promise<unknown>]>([
    ["a graph cut short", (rewrite) => truncate(join(rewrite, "nearfree.onnx"), 1000)],
    ["a graph of other bytes", (rewrite) => writeFile(join(rewrite, "nearfree.onnx"), "no graph")],
    ["a graph that is gone", (rewrite) => rm(join(rewrite, "nearfree.onnx"))],
    ["a note that is gone", (rewrite) => rm(join(rewrite, "rewrite.json"))],
    ["a note cut short", (rewrite) => truncate(join(rewrite, "rewrite.json"), 20)],
    ["a note of another kind", (rewrite) => writeFile(join(rewrite, "rewrite.json"), '{"form":"lean","links":7}')],
    ["a link that is gone", (rewrite) => rm(join(rewrite, "model.onnx"))],
    [
      "a copy for a link",
      async (rewrite) => {
        await rm(join(rewrite, "model.onnx"));
        await copyFile(source, join(rewrite, "model.onnx"));
      },
    ],
    [
      "an empty folder",
      async (rewrite) => {
        await rm(rewrite, { recursive: true });
        await mkdir(rewrite);
      },
    ],
  ])("makes its rewrite anew for %s", async (_name, damage) => {
    const first = await rewritten();
    const graph = await readFile(first.path);
    await damage(dirname(first.path));
    expect(await rewritten()).toEqual(first);
    expect(await readFile(first.path)).toEqual(graph);
    expect((await stat(join(dirname(first.path), "model.onnx"))).ino).toBe((await stat(source)).ino);
    expect(await readdir(cache)).toHaveLength(1);
  });

  it("makes its rewrite anew for a model of the same size in its place, and for other weights beside it", async () => {
    await writeModelFile(source, sampleDecoder(), { externalDataAboveBytes: 0 });
    const first = await rewritten();
    const replace = async (path: string) => {
      const { size, mtime } = await stat(path);
      await copyFile(path, `${path}.new`);
      await utimes(`${path}.new`, mtime, mtime);
      await rename(`${path}.new`, path);
      expect((await stat(path)).size).toBe(size);
    };
    await replace(`${source}_data`);
    const second = await rewritten();
    const linked = join(dirname(second.path), "model.onnx_data");
    expect((await stat(linked)).ino).toBe((await stat(`${source}_data`)).ino);
    await replace(source);
    expect((await rewritten()).path).not.toBe(first.path);
  });

  it("keeps what the rewritten graph says of its rows", async () => {
    const { path, traits } = await rewritten();
    expect(traits).toEqual({ ...summarizeFile(path).traits, unsteady: expect.any(String) });
    expect((await rewritten()).traits).toEqual(traits);
  });

  it("says why there is none where the cache cannot be written, and leaves nothing", async () => {
    await writeFile(cache, "a file where the folder should be");
    await expect(rewriteModelFile(source, join(cache, "rewrites"))).resolves.toMatchObject({ form: "none" });
  });

  it("says why there is none where no link can be made", async () => {
    const elsewhere = "/dev/shm";
    const apart = await stat(elsewhere).catch(() => undefined);
    if (apart === undefined || apart.dev === (await stat(source)).dev) return;
    const there = await mkdtemp(join(elsewhere, "nearfree-"));
    try {
      await expect(link(source, join(there, "probe"))).rejects.toThrow("EXDEV");
      const result = await rewriteModelFile(source, there);
      expect(result).toMatchObject({ form: "none", reason: expect.stringContaining("another file system") });
      expect(await readdir(there)).toEqual([]);
    } finally {
      await rm(there, { recursive: true, force: true });
    }
  });
});
