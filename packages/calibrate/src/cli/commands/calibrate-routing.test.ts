import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildDecoder, randomWeights } from "@nearfree/ort-adapter";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { captureOutput } from "../../testing/captured-output.ts";
import { TEST_SHAPE, writeModelFolder } from "../../testing/model-folder.ts";
import { main } from "../main.ts";

const SHAPE = { ...TEST_SHAPE, experts: { count: 6, active: 2 } };

let folder: string;
let mixture: string;
const output = captureOutput();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nearfree-routing-cli-"));
  const model = buildDecoder({ shape: SHAPE, attention: "gqa", quantisation: "fp32" }, randomWeights(1));
  mixture = await writeModelFolder(join(folder, "mixture"), model);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const nearfree = (...args: string[]) => main([...args, "--cache", join(folder, "cache")]);
const calibrate = (model: string, ...args: string[]) =>
  nearfree("calibrate", model, "--forwards", "60", "--threads", "1", "--context", "40", ...args);

describe("calibrate --routing", () => {
  test("measures once which experts are woken, keeps it with the profile, and predictions believe it", async () => {
    expect(await nearfree("predict", mixture, "--threads", "1", "--json"), output.stderr).toBe(0);
    const even = output.json().prediction.costMs;
    // What noise hid is not stored: there is no profile yet that routing could be kept with.
    for (let tries = 0, stored = false; tries < 8 && !stored; tries++) {
      expect(await calibrate(mixture, "--json"), output.stderr).toBe(0);
      ({ stored } = output.json());
    }
    expect(await calibrate(mixture), output.stderr).toBe(0);
    expect(output.stdout).not.toContain("experts of a layer");
    expect(await calibrate(mixture, "--routing"), output.stderr).toBe(0);
    expect(output.stdout).toMatch(/experts of a layer that real text wakes: 2\.0 by 1 position, \d\.\d by 2, /);
    // Measuring again keeps it.
    expect(await calibrate(mixture, "--json", "--fresh"), output.stderr).toBe(0);
    expect(output.json().profile.uniqueExperts).toHaveLength(64);
    expect(await nearfree("predict", mixture, "--threads", "1", "--json"), output.stderr).toBe(0);
    const believed = output.json().prediction.costMs;
    expect(believed[0]).toBeCloseTo(even[0], 6);
    expect(believed[15]).not.toBeCloseTo(even[15], 6);
  });

  test("says so of a dense model", async () => {
    const dense = await writeModelFolder(join(folder, "dense"));
    expect(await calibrate(dense, "--routing"), output.stderr).toBe(0);
    expect(output.stderr).toContain("--routing: the model has no fused mixture of experts");
  });
});
