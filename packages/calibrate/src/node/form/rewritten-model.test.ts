import { mkdtemp, readdir, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createMemoryStore, createScheduler, decodeAll } from "@nearfree/core";
import { REWRITE_VERSION } from "@nearfree/ort-adapter";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { writeModelFolder } from "../../testing/model-folder.ts";
import { loadOrCalibrate, profileKey } from "../load-or-calibrate.ts";
import { openModel } from "../open-model.ts";

let cache: string;
let folder: string;

beforeEach(async () => {
  const root = await mkdtemp(join(tmpdir(), "nearfree-rewritten-"));
  cache = join(root, "cache");
  folder = join(root, "model");
  await writeModelFolder(folder);
});

afterEach(() => rm(dirname(folder), { recursive: true, force: true }));

async function tokensBy(kvCache: "auto" | "rows" | "lean", onWarning?: (message: string) => void) {
  const model = await openModel(folder, { threads: 1, kvCache, cache, onWarning });
  const { runner } = model;
  const scheduler = createScheduler({ policy: "fixed", positions: 1 });
  const { tokens } = await decodeAll({ runner, scheduler, prompt: [1, 2, 3], maxNewTokens: 24 });
  const form = runner.describe().kvCache;
  const { options } = profileKey(model).environment;
  const { profile } = await loadOrCalibrate(model, {
    store: createMemoryStore(),
    contextLength: 32,
    maxPositions: 2,
    budget: { forwards: 10, ms: 500 },
  });
  const several = profileKey(model, 32, 2).environment.options;
  await model.release();
  return { tokens, form, options, several, rewrite: profile.rewrite };
}

describe("openModel with a rewritten graph", () => {
  it.each(["rows", "lean"] as const)(
    "decodes the tokens of the original (%s), under a key of its own",
    async (kvCache) => {
      const original = await tokensBy("auto");
      const rewritten = await tokensBy(kvCache);
      expect(rewritten.tokens).toEqual(original.tokens);
      expect(rewritten.form).toBe("lean");
      expect(original.options).not.toHaveProperty("kvCache");
      expect(rewritten.options).toMatchObject({ kvCache, rewrite: REWRITE_VERSION });
      expect(rewritten.rewrite).toMatchObject({ flips: 0, rows: 28 });
      expect(rewritten.rewrite!.largestError).toBeLessThan(kvCache === "rows" ? Number.MIN_VALUE : 1e-4);
      expect(original.rewrite).toBeUndefined();
      expect(rewritten.several).toEqual(original.options);
    },
  );

  it("proves it once, and takes the proof's word at the next start", async () => {
    await tokensBy("lean");
    const [rewrite] = await readdir(join(cache, "rewrites"));
    const names = await readdir(join(cache, "rewrites", rewrite!));
    const proof = names.find((name) => name.startsWith("verdict-"))!;
    // What an earlier start found is believed: this one never ran the original.
    await writeFile(
      join(cache, "rewrites", rewrite!, proof),
      JSON.stringify({ largestError: 1, medianError: 1, rows: 28, flips: 0, fault: "as planted" }),
    );
    const warnings: string[] = [];
    expect((await tokensBy("lean", (message) => warnings.push(message))).form).not.toBe("lean");
    expect(warnings).toEqual([
      expect.stringContaining("the original graph runs: the rewritten one is not used, as planted"),
    ]);
  });

  it("runs the original where nothing can be kept, and says so once", async () => {
    await rm(cache, { recursive: true, force: true });
    await writeFile(cache, "no folder");
    const warnings: string[] = [];
    const { form } = await tokensBy("lean", (message) => warnings.push(message));
    expect(form).not.toBe("lean");
    expect(warnings).toEqual([expect.stringMatching(/the original graph runs: .*cannot be used/)]);
  });

  it.each<[string, (rewrite: string, names: readonly string[]) => Promise<unknown>]>([
    ["a graph cut short", (rewrite) => truncate(join(rewrite, "nearfree.onnx"), 5000)],
    ["no note", (rewrite) => rm(join(rewrite, "rewrite.json"))],
    ["no weights", (rewrite) => rm(join(rewrite, "model.onnx"))],
    [
      "a verdict that nobody can read",
      (rewrite, names) => writeFile(join(rewrite, names.find((name) => name.startsWith("verdict-"))!), "{"),
    ],
  ])("decodes the same after its rewrite was damaged: %s", async (_name, damage) => {
    const whole = await tokensBy("lean");
    const [name] = await readdir(join(cache, "rewrites"));
    const rewrite = join(cache, "rewrites", name!);
    await damage(rewrite, await readdir(rewrite));
    const warnings: string[] = [];
    expect(await tokensBy("lean", (message) => warnings.push(message))).toEqual(whole);
    expect(warnings).toEqual([]);
  });
});
