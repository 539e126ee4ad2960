import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { writeModelFile } from "@nearfree/ort-adapter/node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { commandWith, expectRefusal } from "../testing/command.ts";
import { prunedDecoder, statelessModel, testDecoder, writeModelFolder } from "../testing/model-folder.ts";

let folder: string;
let model: string;
let cache: string;

const nearfree = (...args: string[]) => commandWith(cache).run(...args);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nearfree-cli-"));
  cache = join(folder, "cache");
  model = await writeModelFolder(join(folder, "model"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("calibrate, show, doctor, generate", () => {
  test("a profile is measured once, then found; --fresh measures again", () => {
    const calibrate = (...more: string[]) => {
      const run = nearfree("calibrate", model, "--json", "--context", "32", "--max-positions", "8", ...more);
      expect(run.status, run.stderr).toBe(0);
      return JSON.parse(run.last);
    };
    let { origin, profile } = calibrate();
    expect(origin).toBe("measured");
    // A machine too noisy, or too busy, is measured again by the next run.
    const settled = () => profile.run.stop !== "unresolvable" && profile.run.busy !== true;
    for (let tries = 0; tries < 8 && !settled(); tries++) profile = calibrate().profile;
    expect(profile.points[0]).toMatchObject({ positions: 1, ratio: 1 });
    if (settled()) expect(calibrate()).toEqual({ origin: "cached", stored: true, profile });
    expect(calibrate("--fresh").origin).toBe("measured");
  });

  test("show lists it, for people and for programs", () => {
    expect(JSON.parse(nearfree("show", "--json").last).profiles).toHaveLength(1);
    expect(nearfree("show").stdout).toMatch(/T\(1\) = [\d.]+ ms[\s\S]+idle-compute/);
    // The folder of the model is called "model": that of the tests says more.
    expect(nearfree("show", basename(folder)).stdout).toMatch(/^nearfree-cli-\w+ \([0-9a-f]{12}\) on cpu/);
    expectRefusal(nearfree("show", "no-such-name"), 2, "no-such-name", /there are .*[0-9a-f]{12}/);
  });

  test("doctor says which field of the key differs", () => {
    const found = JSON.parse(nearfree("doctor", model, "--context", "32", "--json").last);
    expect(found.model).toMatchObject({ profile: "cached", differences: [] });
    const missed = JSON.parse(nearfree("doctor", model, "--context", "48", "--threads", "1", "--json").last);
    const fields = missed.model.differences.map(({ field }: { field: string }) => field);
    expect(missed.model.profile).toBe("none");
    expect(fields).toContain("cell.contextLength");
    expect(fields).toContain("environment.threads");
  });

  test("generate completes a prompt; policies agree token for token", () => {
    const run = (policy: string) =>
      nearfree("generate", model, "--prompt", "abcabcabc", "--max-new-tokens", "24", "--policy", policy, "--json");
    const scheduled = run("best-value");
    expect(scheduled.status, scheduled.stderr).toBe(0);
    const { completion, stats } = JSON.parse(scheduled.last);
    expect(stats.tokens).toBeLessThanOrEqual(24);
    expect(JSON.parse(run("plain").last).completion).toBe(completion);
    expect(JSON.parse(run("near-free").last).completion).toBe(completion);
  });

  test("generate --no-calibrate starts from a predicted profile, stores nothing, and says why it takes one position", () => {
    const prompt = ["--prompt", "abcabcabc", "--max-new-tokens", "24", "--json", "--cache", join(folder, "cold")];
    const run = (...more: string[]) => {
      const started = nearfree("generate", model, "--no-calibrate", ...prompt, ...more);
      expect(started.status, started.stderr).toBe(0);
      return { ...JSON.parse(started.last), stderr: started.stderr };
    };
    const careful = run();
    expect(careful.origin).toBe("kernel-table");
    expect(careful.stats.verified).toBe(0);
    expect(careful.stderr).toContain("--consistency tolerant allows more");
    const tolerant = run("--consistency", "tolerant");
    expect(tolerant.origin).toBe("kernel-table");
    expect(tolerant.stats.tokens).toBe(careful.stats.tokens);
    expect(tolerant.stderr).not.toContain("tolerant allows");
  });
});

describe("bad input: one line, the right exit code, no stack trace", () => {
  const onnx = (name: string) => join(folder, `${name}.onnx`);

  test("no such file", () => {
    expectRefusal(nearfree("calibrate", join(folder, "nowhere")), 2, "nowhere", "expected", "received");
  });

  test("not an ONNX file", async () => {
    await writeFile(onnx("page"), "<!DOCTYPE html><html><body>404</body></html>");
    expectRefusal(nearfree("calibrate", onnx("page")), 2, "page.onnx");
  });

  test("a truncated file", async () => {
    await copyFile(join(model, "onnx", "model.onnx"), onnx("short"));
    await truncate(onnx("short"), 5_000);
    expectRefusal(nearfree("calibrate", onnx("short")), 2, "short.onnx");
  });

  test("a missing external-data file", async () => {
    const place = join(folder, "external");
    await mkdir(place);
    await writeModelFile(join(place, "model.onnx"), testDecoder(), { externalDataAboveBytes: 0 });
    for (const name of await readdir(place)) if (name !== "model.onnx") await rm(join(place, name));
    expectRefusal(nearfree("calibrate", place), 2, /model\.onnx.*data/);
  });

  test("a graph without KV cache", async () => {
    await writeModelFile(onnx("stateless"), statelessModel());
    expectRefusal(nearfree("calibrate", onnx("stateless"), "--log-level", "error"), 2, /KV cache|past/);
  });

  test("a pruned head", async () => {
    await writeModelFile(onnx("pruned"), prunedDecoder());
    expectRefusal(nearfree("calibrate", onnx("pruned"), "--log-level", "error"), 2, /logits/);
  });

  test("an execution provider that this build lacks", () => {
    expectRefusal(nearfree("calibrate", model, "--ep", "coreml"), 2, "coreml", "cpu");
  });

  test("a prompt longer than the context", () => {
    const run = nearfree("generate", model, "--prompt", "word ".repeat(100));
    expectRefusal(run, 2, "prompt", "160");
  });

  test("a context longer than the model's", () => {
    expectRefusal(nearfree("calibrate", model, "--context", "4000"), 2, /context/i, "159");
  });

  test("a tokenizer that is not one", async () => {
    const broken = await writeModelFolder(join(folder, "broken-tokenizer"));
    await writeFile(join(broken, "tokenizer.json"), "{}");
    expectRefusal(nearfree("generate", broken, "--prompt", "a"), 2, "tokenizer.json");
  });

  test("a cache folder that cannot be written: one warning, and the work goes on", async () => {
    await writeFile(join(folder, "a-file"), "");
    const run = nearfree("calibrate", model, "--context", "24", "--json", "--cache", join(folder, "a-file", "cache"));
    expect(run.status).toBe(0);
    const { profile, ...loaded } = JSON.parse(run.last);
    expect(loaded).toEqual({ origin: "measured", stored: false });
    // What noise hid is not stored anywhere: there is nothing to say.
    const said = profile.run.stop === "unresolvable" ? [] : [expect.stringContaining("a-file")];
    expect(run.stderr.split("\n").filter((line) => line !== "")).toEqual(said);
  });

  test("a corrupted cache entry: a warning, and a fresh measurement", async () => {
    const args = ["calibrate", model, "--context", "40", "--max-positions", "4", "--json"];
    // What noise hid is not stored: there is nothing to corrupt yet.
    for (let tries = 0, stored = false; tries < 8 && !stored; tries++) {
      const run = nearfree(...args);
      expect(run.status, run.stderr).toBe(0);
      ({ stored } = JSON.parse(run.last));
    }
    const entries = (await readdir(cache, { recursive: true })).filter((name) => name.endsWith(".json"));
    for (const entry of entries) {
      const text = await readFile(join(cache, entry), "utf8");
      await writeFile(join(cache, entry), text.slice(0, text.length / 2));
    }
    const run = nearfree(...args);
    expect(run.status).toBe(0);
    expect(run.stderr).toMatch(/cached profile is damaged/);
    expect(JSON.parse(run.last).origin).toBe("measured");
  });

  test("usage errors", () => {
    expectRefusal(nearfree("calibrate", model, "--threads", "none"), 2, "--threads");
    expectRefusal(
      nearfree("calibrate", model, "--threads", "9999999"),
      2,
      /threads: expected an integer from 1 to \d+, /,
    );
    expectRefusal(nearfree("bogus"), 2, "bogus");
  });
});
