import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Profile, ProfileKey } from "@nearfree/core";
import { createFsStore } from "@nearfree/core/fs-store";
import { sampleProfile } from "@nearfree/core/test";
import { buildDecoder, randomWeights } from "@nearfree/ort-adapter";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { encodeBundle } from "../../node/bundle.ts";
import { profileKey } from "../../node/load-or-calibrate.ts";
import { openModel } from "../../node/open-model.ts";
import { commandWith, expectRefusal } from "../../testing/command.ts";
import { TEST_SHAPE, writeModelFolder } from "../../testing/model-folder.ts";

let folder: string;
let model: string;
let key: ProfileKey;
const at = (name: string) => join(folder, name);

/** A profile of the model at context 32 on this machine, which nothing measured: four positions cost `ratio`, from `low` to `high`. */
function profileWith(ratio: number, low = ratio, high = ratio): Profile {
  const { points, ...sample } = sampleProfile();
  return {
    ...sample,
    key,
    measuredAt: new Date().toISOString(),
    points: [points[0]!, { ...points[0]!, positions: 4, ratio, low, high }],
    boundaries: [{ epsilon: 0.1, prefixFree: 4, level: "certified" }],
    invariance: { classes: [], maxDifference: 0, rows: 0, argmaxFlips: 0 },
  };
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nearfree-store-"));
  model = await writeModelFolder(at("model"));
  const opened = await openModel(model);
  key = profileKey(opened, 32);
  await opened.release();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("export and import", () => {
  const here = () => commandWith(at("here"));

  test("nothing to export is an error in one line", () => {
    expectRefusal(here().run("export", "--out", at("none.json")), 2, "whole profile", "nearfree calibrate");
  });

  test("profiles are written to a bundle and wait for their test elsewhere", async () => {
    await createFsStore({ root: at("here") }).put(profileWith(1.05));
    expect(JSON.parse(here().run("export", "--out", at("bundle.json"), "--json").last)).toMatchObject({ profiles: 1 });
    expectRefusal(here().run("export", "no-such-hash", "--out", at("none.json")), 2, "no-such-hash");

    const there = commandWith(at("there"));
    const { profiles } = JSON.parse(there.run("import", at("bundle.json"), "--json").last);
    expect(profiles).toMatchObject([{ outcome: "unconfirmed" }]);
    expect(there.run("show").stdout).toMatch(/imported, to be tested at its first use/);
    const { model: report } = JSON.parse(there.run("doctor", model, "--context", "32", "--json").last);
    expect(report).toMatchObject({ profile: "imported", differences: [] });
    expect(here().run("import", at("bundle.json")).stdout).toMatch(/not taken: this machine has measured it/);
  });

  test("a profile that this machine confirms needs no measurement", async () => {
    // Whatever the machine does meanwhile, it lies in this interval.
    await writeFile(at("wide.json"), encodeBundle([profileWith(1, 1e-3, 1e3)]));
    const command = commandWith(at("confirmed"));
    expect(command.run("import", at("wide.json"), "--model", model).stdout).toMatch(/: confirmed by this machine/);
    expect(JSON.parse(command.run("calibrate", model, "--context", "32", "--json").last).origin).toBe("cached");
  });

  test("a profile that this machine contradicts is refused, then or at its first use", async () => {
    await writeFile(at("lie.json"), encodeBundle([profileWith(30)]));
    const command = commandWith(at("lied-to"));
    const contradiction = /4 positions cost [\d.]+ times one here, 30\.00 times in the profile/;
    expectRefusal(command.run("import", at("lie.json"), "--model", model), 1, "lie.json", contradiction);
    expect(JSON.parse(command.run("show", "--json").last).profiles).toEqual([]);
    expect(command.run("import", at("lie.json")).status).toBe(0);
    const run = command.run("calibrate", model, "--context", "32", "--max-positions", "4");
    expect(run.stderr).toMatch(/^nearfree: warning: the imported profile is not used: 4 positions [^\n]+\n$/);
    expect(run.status).toBe(0);
  });

  test("a bundle that is none, a missing one, a place that cannot be written", async () => {
    await writeFile(at("text.json"), "no bundle");
    expectRefusal(here().run("import", at("text.json")), 2, "text.json", "no JSON");
    const text = await readFile(at("bundle.json"), "utf8");
    await writeFile(at("changed.json"), text.replace(/"baseMs": [\d.e+-]+/, '"baseMs": 0.001'));
    expectRefusal(here().run("import", at("changed.json")), 2, "changed after it was written");
    expectRefusal(here().run("import", at("nowhere.json")), 2, "nowhere.json", "ENOENT");
    expectRefusal(here().run("export", "--out", join(at("bundle.json"), "x")), 1, "bundle.json", "ENOTDIR");
  });

  test("a system folder serves every user, and is left as it is", () => {
    const user = commandWith(at("user"), at("here"));
    expect(JSON.parse(user.run("calibrate", model, "--context", "32", "--json").last).origin).toBe("cached");
    const report = JSON.parse(user.run("doctor", "--json").last);
    expect(report).toMatchObject({
      cache: { root: at("user"), profiles: 0, writable: true },
      system: [{ root: at("here"), profiles: 1 }],
    });
    expect(user.run("doctor").stdout).toMatch(/system cache {9}\S+here, 1 profiles, read-only/);
  });
});

describe("Ctrl-C", () => {
  test("keeps what was measured, says so in one line, exits 130; the next run goes on", async () => {
    const shape = { ...TEST_SHAPE, hiddenSize: 512, intermediateSize: 2048, layers: 2, heads: 8, headDim: 64 };
    const weights = randomWeights(1);
    const large = await writeModelFolder(
      at("large"),
      buildDecoder({ shape, attention: "gqa", quantisation: "fp32" }, weights),
    );
    const command = commandWith(at("interrupted"));
    const args = ["calibrate", large, "--context", "64", "--forwards", "100000", "--json"];
    const interrupted = await command.runUntil(
      /"msg":"warming"/,
      (child) => child.kill("SIGINT"),
      ...args,
      "--log-level",
      "debug",
    );
    expect(interrupted.status, interrupted.stderr).toBe(130);
    const lines = interrupted.stderr.split("\n").filter((line) => line !== "" && !line.startsWith("{"));
    expect(lines).toEqual([
      expect.stringMatching(/^nearfree: .* interrupt after \d+ forwards; what was measured is kept/),
    ]);
    expect(interrupted.stderr).not.toMatch(/^\s+at /m);

    const [part] = JSON.parse(command.run("show", "--json").last).profiles;
    expect(part.run.stop).toBe("aborted");
    expect(command.run("show").stdout).toMatch(/cut short, the next calibration goes on/);
    const resumed = JSON.parse(command.run("calibrate", large, "--context", "64", "--forwards", "40", "--json").last);
    expect(resumed.origin).toBe("measured");
    // What other work disturbed is measured anew, balance and all.
    const { idleCompute } = resumed.profile;
    if (part.run.busy === true) expect(idleCompute).not.toEqual(part.idleCompute);
    else expect(idleCompute).toEqual(part.idleCompute);
  });
});
