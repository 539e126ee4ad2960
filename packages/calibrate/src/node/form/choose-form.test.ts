import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NearfreeError } from "@nearfree/core";
import { buildDecoder, randomWeights } from "@nearfree/ort-adapter";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { TEST_SHAPE, writeModelFolder } from "../../testing/model-folder.ts";
import { examineModel } from "../examine-model.ts";
import { openModel } from "../open-model.ts";
import { knownForm, openInForm } from "./choose-form.ts";
import type { FormVerdict } from "./form-verdict.ts";

/** Context enough for a cache that is worth a rewrite. */
const LONG = { ...TEST_SHAPE, contextLimit: 8192 };

let root: string;
let folder: string;
let cache: string;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "nearfree-form-"));
  return () => rmSync(root, { recursive: true, force: true });
});

beforeEach(async () => {
  cache = mkdtempSync(join(root, "cache-"));
  folder = mkdtempSync(join(root, "model-"));
  await writeModelFolder(
    folder,
    buildDecoder({ shape: LONG, attention: "gqa", quantisation: "fp32" }, randomWeights(1)),
  );
  writeFileSync(join(folder, "config.json"), JSON.stringify({ max_position_embeddings: LONG.contextLimit }));
});

async function openAuto() {
  const warnings: string[] = [];
  const model = await openModel(folder, { threads: 1, cache, onWarning: (line) => warnings.push(line) });
  await model.release();
  return { form: model.form, kvCache: model.runner.describe().kvCache, warnings };
}

/** Changes the verdict that the last start left. */
function rewriteVerdict(change: (verdict: FormVerdict) => FormVerdict): void {
  const [name] = readdirSync(join(cache, "rewrites"));
  const rewrite = join(cache, "rewrites", name!);
  const file = join(rewrite, readdirSync(rewrite).find((each) => each.startsWith("verdict-"))!);
  writeFileSync(file, JSON.stringify(change(JSON.parse(readFileSync(file, "utf8")))));
}

const timesAsFast = (ratio: number) => (verdict: FormVerdict) => ({
  ...verdict,
  speeds: verdict.speeds!.map((speed) => ({ ...speed, ratio })),
});

describe("kvCache auto", () => {
  it("runs both graphs at the first start, and goes by what it found at the next", async () => {
    const first = await openAuto();
    expect(first.form.difference).toMatchObject({ fault: undefined, flips: 0 });
    expect(first.form.difference!.largestError).toBeLessThan(1e-4);
    const timed = new Set(first.form.speeds!.map(({ context }) => context));
    expect([...timed]).toContain(1024);
    expect(first.form.reason).toMatch(/times as fast at \d+ positions/);
    const second = await openAuto();
    expect(second.form.speeds).toEqual(first.form.speeds);
    expect(second.form.form).toBe(first.form.form);
    expect([first.warnings, second.warnings]).toEqual([[], []]);
  });

  it.each([
    [2, "lean", "lean"],
    [0.5, "original", "in-place"],
  ] as const)("a rewrite %d times as fast: %s", async (ratio, form, kvCache) => {
    await openAuto();
    rewriteVerdict(timesAsFast(ratio));
    expect(await openAuto()).toMatchObject({ form: { form }, kvCache });
    const examined = await examineModel(folder, { threads: 1 });
    expect(await knownForm(examined, { cache })).toBe(form);
  });

  it("a rewrite whose logits are off is not used, however fast", async () => {
    await openAuto();
    rewriteVerdict((verdict) => ({ ...timesAsFast(3)(verdict), fault: "its logits are off" }));
    const { form, kvCache } = await openAuto();
    expect(form).toMatchObject({ form: "original", reason: expect.stringContaining("its logits are off") });
    expect(kvCache).toBe("in-place");
  });

  it("leaves a model alone whose cache is small", async () => {
    writeFileSync(join(folder, "config.json"), JSON.stringify({ max_position_embeddings: 160 }));
    const { form } = await openAuto();
    expect(form).toEqual({
      form: "original",
      reason: expect.stringMatching(/^its cache is small: 0\.0 MB at 80 positions/),
    });
    expect(readdirSync(cache)).toEqual([]);
  });

  it("goes without where the cache folder cannot be had, and says so once", async () => {
    writeFileSync(join(root, "a-file"), "");
    cache = join(root, "a-file", "cache");
    const { form, warnings } = await openAuto();
    expect(form).toMatchObject({ form: "original", reason: expect.stringMatching(/cannot be/) });
    expect(warnings).toEqual([expect.stringMatching(/the original graph runs: .*cannot be/)]);
  });
});

it("what was asked for runs without being timed", async () => {
  const model = await openModel(folder, { threads: 1, cache, kvCache: "lean" });
  expect(model.form).toMatchObject({ form: "lean", reason: "as asked for", difference: { fault: undefined } });
  expect(model.form.speeds).toBeUndefined();
  await model.release();
  const own = await openModel(folder, { threads: 1, cache, kvCache: "growing" });
  expect(own.form).toEqual({ form: "original", reason: "as asked for" });
  await own.release();
});

it.each(["auto", "lean"] as const)("the original runs where the rewritten graph does not (%s)", async (kvCache) => {
  const warnings: string[] = [];
  const examined = await examineModel(folder, { threads: 1 });
  const refused = new NearfreeError({
    code: "invalid-model",
    from: "calibrate",
    what: "nearfree.onnx",
    expected: "a model that ONNX Runtime loads",
    received: "another",
    remedy: "export it again",
  });
  const model = await openInForm(
    examined,
    { cache, kvCache, onWarning: (line) => warnings.push(line) },
    {
      original: () => openModel(folder, { threads: 1, kvCache: "original" }),
      rewritten: () => Promise.reject(refused),
    },
  );
  expect(model.form).toEqual({ form: "original", reason: `the rewritten one does not run (${refused.message})` });
  expect(warnings).toHaveLength(kvCache === "auto" ? 0 : 1);
  await model.release();
});
