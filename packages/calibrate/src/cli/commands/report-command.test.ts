import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createFsStore } from "@nearfree/core/fs-store";
import { summarizeFile } from "@nearfree/ort-adapter/node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { captureOutput } from "../../testing/captured-output.ts";
import { writeModelFolder } from "../../testing/model-folder.ts";
import { fullProfile, TEST_KEY } from "../../testing/profiles.ts";
import { main } from "../main.ts";

let folder: string;
let cache: string;
const output = captureOutput();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nearfree-report-"));
  cache = join(folder, "cache");
  const store = createFsStore({ root: cache });
  await store.put(fullProfile());
  await store.put(fullProfile({ key: { model: "another" } }));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const report = (...args: string[]) => main(["report", "--cache", cache, ...args]);

test("the format follows the name of the file, and --format goes before it", async () => {
  for (const [name, start, ...rest] of [
    ["page.html", "<!doctype html>"],
    ["figure.svg", "<svg "],
    ["data.json", "{"],
    ["other.txt", "<svg ", "--format", "svg"],
  ] as const) {
    const out = join(folder, name);
    expect(await report("--out", out, ...rest), output.stderr).toBe(0);
    expect(await readFile(out, "utf8")).toMatch(new RegExp(`^${start}`));
    expect(output.stdout).toContain(`written to ${out}`);
  }
});

test("a prefix chooses models; --json says what was written", async () => {
  const out = join(folder, "one.json");
  expect(await report(TEST_KEY.model.slice(0, 8), "--out", out, "--json")).toBe(0);
  expect(output.json()).toEqual({
    path: out,
    format: "json",
    profiles: 1,
    groups: [
      {
        model: TEST_KEY.model,
        headline: "2.80 times as fast with 6 positions, where 7 of 10 draft tokens are accepted.",
        verdict: "6 positions are near-free; idle compute promises 19.",
      },
    ],
  });
  expect(JSON.parse(await readFile(out, "utf8")).groups).toHaveLength(1);
});

test("no profile, and a place that cannot be written: one line, an exit code, nothing left behind", async () => {
  expect(await report("nobody", "--out", join(folder, "none.html"))).toBe(2);
  expect(output.stderr).toMatch(
    /^nearfree: \[calibrate\] profiles of "nobody": expected the label .*; there are model 0123456789ab, model another\n$/,
  );
  output.stderr = "";
  expect(await report("--out", join(folder, "no", "such", "folder.html"))).toBe(1);
  expect(output.stderr).toMatch(
    /^nearfree: \[calibrate\] .*folder\.html: expected .*ENOENT; name another file with --out\n$/,
  );
  output.stderr = "";
  // A folder stands where the file should: the temporary file was written, and is taken away again.
  expect(await report("--out", cache)).toBe(1);
  expect((await readdir(folder)).filter((name) => name.startsWith("."))).toEqual([]);
});

test("--predict puts what the model's graph predicts beside its profile, and refuses a model of none", async () => {
  const model = await writeModelFolder(join(folder, "model"));
  const out = join(folder, "predicted.html");
  expect(await report("--predict", model, "--out", out)).toBe(2);
  expect(output.stderr).toMatch(/--predict .*: expected a model of one of the profiles/);
  const { summary } = summarizeFile(join(model, "onnx", "model.onnx"));
  await createFsStore({ root: cache }).put(fullProfile({ key: { model: summary.structureHash } }));
  expect(await report(summary.structureHash, "--predict", model, "--out", out), output.stderr).toBe(0);
  const page = await readFile(out, "utf8");
  expect(page).toContain("what limits this model here is");
  expect(page).toContain("attention GroupQueryAttention float32");
});
