import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Profile, parseProfile, profileStanding } from "@nearfree/core";
import { createFsStore } from "@nearfree/core/fs-store";
import { afterAll, beforeAll, expect, test } from "vitest";
import { commandWith } from "../testing/command.ts";
import { writeModelFolder } from "../testing/model-folder.ts";

const PROCESSES = 4;
/** Rounds before the machine counts as too loaded to measure anything on at all. */
const ROUNDS = 5;

let folder: string;
let model: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nearfree-crowd-"));
  model = await writeModelFolder(join(folder, "model"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Processes that start cold on one cache at the same time. */
async function crowd(cache: string): Promise<{ origin: string; stored: boolean; profile: Profile }[]> {
  const args = ["calibrate", model, "--context", "32", "--max-positions", "8", "--json"];
  const runs = await Promise.all(Array.from({ length: PROCESSES }, () => commandWith(cache).start(...args)));
  return runs.map((run) => {
    expect(run.status, run.stderr).toBe(0);
    return JSON.parse(run.last);
  });
}

test("of processes that start together one calibrates, and the others have its profile", {
  timeout: 240_000,
}, async () => {
  for (let round = 1; round <= ROUNDS; round++) {
    const cache = join(folder, `cache-${round}`);
    const outcomes = await crowd(cache);
    const kept = outcomes.filter(({ origin, stored }) => origin === "measured" && stored);
    const found = outcomes.filter(({ origin }) => origin === "cached");
    // Whoever else measured did so after one whose profile noise had hidden.
    for (const { profile, origin, stored } of outcomes) {
      if (origin === "measured" && !stored) expect(profileStanding(profile)).toBe("unresolved");
    }
    const names = await readdir(cache, { recursive: true });
    expect(names.filter((name) => /claims.*\.json|\.(tmp|bad)$/.test(name))).toEqual([]);
    if (kept.length === 0) {
      expect(found).toEqual([]);
      continue;
    }
    // What other work disturbed is measured again by whoever finds a quieter moment: by design, and not what is tested here.
    const undisturbed = kept.filter(({ profile }) => profile.run.busy !== true);
    expect(undisturbed.length).toBeLessThanOrEqual(1);
    if (undisturbed.length < kept.length) continue;
    expect(kept).toHaveLength(1);
    for (const { profile } of found) expect(profile).toEqual(kept[0]!.profile);
    const [profile, ...others] = await createFsStore({ root: cache }).list();
    expect({ profile, others }).toEqual({ profile: kept[0]!.profile, others: [] });
    expect(parseProfile(profile)).toBeDefined();
    expect(profileStanding(profile!)).toBe("whole");
    return;
  }
});
