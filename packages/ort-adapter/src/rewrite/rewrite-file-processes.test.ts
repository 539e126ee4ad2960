import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { InferenceSession } from "onnxruntime-node";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { writeModelFile } from "../onnx/write/write-model-file.ts";
import { sampleDecoder } from "../testing/sample-decoder.ts";
import { type RewrittenFile, rewriteModelFile } from "./rewrite-file.ts";
import { readNote } from "./rewrite-note.ts";

/** The built package: processes of their own know nothing of vitest. */
const BUILT = new URL("../../dist/node.js", import.meta.url).href;
const execute = promisify(execFile);

let folder: string;
let source: string;
let cache: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "nearfree-rewrite-"));
  source = join(folder, "model", "model.onnx");
  cache = join(folder, "cache");
  await mkdir(dirname(source));
  await writeModelFile(source, sampleDecoder(), { externalDataAboveBytes: 0 });
});

afterEach(() => rm(folder, { recursive: true, force: true }));

/**
 * Rewrites in a process of its own, which kills itself before (or right after) the `point`-th call of the file system that changes
 * anything.
 */
async function rewriteElsewhere(point = Number.POSITIVE_INFINITY, after = false): Promise<RewrittenFile | "killed"> {
  const script = `
    import fs from "node:fs/promises";
    import { syncBuiltinESMExports } from "node:module";
    let left = ${Number.isFinite(point) ? point : 1e9};
    for (const name of ["mkdir", "link", "open", "writeFile", "rename", "rm"]) {
      const call = fs[name];
      fs[name] = async (...given) => {
        const last = left-- === 0;
        if (last && !${after}) process.kill(process.pid, "SIGKILL");
        try {
          return await call(...given);
        } finally {
          if (last) process.kill(process.pid, "SIGKILL");
        }
      };
    }
    syncBuiltinESMExports();
    const { rewriteModelFile } = await import(${JSON.stringify(BUILT)});
    console.log(JSON.stringify(await rewriteModelFile(${JSON.stringify(source)}, ${JSON.stringify(cache)})));
  `;
  try {
    const { stdout } = await execute(process.execPath, ["--input-type=module", "-e", script]);
    return JSON.parse(stdout) as RewrittenFile;
  } catch (error) {
    if ((error as { readonly signal?: string }).signal === "SIGKILL") return "killed";
    throw error;
  }
}

async function published(): Promise<string[]> {
  return (await readdir(cache).catch(() => [])).filter((name) => !name.startsWith("."));
}

async function loads(result: RewrittenFile): Promise<void> {
  if (result.form === "none") throw new Error(result.reason);
  await (await InferenceSession.create(result.path, { logSeverityLevel: 3 })).release();
}

describe.skipIf(process.platform === "win32")("rewriteModelFile in several processes", () => {
  it("is made once by all of them", async () => {
    const results = await Promise.all(Array.from({ length: 4 }, () => rewriteElsewhere()));
    for (const result of results) expect(result).toEqual(results[0]);
    expect(await readdir(cache)).toHaveLength(1);
    await loads(results[0] as RewrittenFile);
  });

  it.each([
    ["before", false],
    ["after", true],
  ])("leaves nothing half done where it is killed %s any step", async (_when, after) => {
    let killed = 0;
    for (let point = 0; ; point++) {
      const result = await rewriteElsewhere(point, after);
      for (const name of await published()) expect(await readNote(join(cache, name), source)).toBeDefined();
      if (result !== "killed") break;
      killed++;
      const next = await rewriteModelFile(source, cache);
      expect(next).toMatchObject({ form: "lean" });
      await rm(cache, { recursive: true });
    }
    // Folders, links, the graph, the note, and the name that makes them seen.
    expect(killed).toBeGreaterThan(4);
    await loads(await rewriteModelFile(source, cache));
  });

  it("goes on beside what many killed ones left", async () => {
    for (const point of [2, 3, 4]) expect(await rewriteElsewhere(point)).toBe("killed");
    expect((await readdir(cache)).every((name) => name.startsWith("."))).toBe(true);
    await loads(await rewriteModelFile(source, cache));
    expect(await published()).toHaveLength(1);
  });
});
