import { expect, it } from "vitest";
import { sampleProfile } from "../testing/sample-profile.ts";
import { spread } from "./cell-curve.ts";
import { parseProfile } from "./profile.ts";
import { isTrusted, profileStanding, TRUST_MS } from "./profile-standing.ts";

it.each([
  [{}, "whole"],
  [{ stop: "decided" }, "whole"],
  [{ stop: "forwards" }, "whole"],
  [{ stop: "time" }, "whole"],
  [{ stop: "aborted" }, "partial"],
  [{ stop: "unresolvable" }, "unresolved"],
] as const)("a run with %j is %s", (run, standing) => {
  const { run: sample } = sampleProfile();
  expect(profileStanding({ run: { ...sample, ...run } })).toBe(standing);
});

it("what came in a bundle is imported, unless it was not whole to begin with", () => {
  const { run } = sampleProfile();
  expect(profileStanding({ imported: true, run })).toBe("imported");
  expect(profileStanding({ imported: true, run: { ...run, stop: "aborted" } })).toBe("partial");
});

it("the mark is persisted, and is true or absent", () => {
  expect(parseProfile({ ...sampleProfile(), imported: true })?.imported).toBe(true);
  expect(parseProfile({ ...sampleProfile(), imported: false })).toBeUndefined();
});

it("one that is predicted is so whatever else it claims", () => {
  const { run } = sampleProfile();
  expect(profileStanding({ run, predicted: true, imported: true })).toBe("predicted");
  expect(parseProfile({ ...sampleProfile(), predicted: true })).toEqual({ ...sampleProfile(), predicted: true });
});

it("what says that two rows cost a tenth of one is no finding, however sure it looks, and nothing is gained by it", () => {
  const poisoned = sampleProfile(0, [1, 0.09, 1.06, 1.11]);
  expect(profileStanding(poisoned)).toBe("unresolved");
  expect(profileStanding({ ...poisoned, imported: true })).toBe("unresolved");
  expect(profileStanding({ ...poisoned, run: { ...poisoned.run, stop: "aborted" } })).toBe("unresolved");
  expect(spread(poisoned, 4).costMs[1]! / poisoned.baseMs).toBe(2);
  // A wider kernel may be a little faster.
  expect(profileStanding(sampleProfile(0, [1, 0.8, 1.06, 1.11]))).toBe("whole");
});

it("is trusted as it is for a day from its measurement or the last look, unless other work disturbed it", () => {
  const profile = sampleProfile();
  const measured = Date.parse(profile.measuredAt);
  expect([0, TRUST_MS, TRUST_MS + 1, -1].map((age) => isTrusted(profile, measured + age))).toEqual([
    true,
    true,
    false,
    false,
  ]);
  const confirmed = { ...profile, confirmedAt: new Date(measured + TRUST_MS).toISOString() };
  expect(isTrusted(confirmed, measured + 2 * TRUST_MS)).toBe(true);
  expect(isTrusted({ ...profile, run: { ...profile.run, busy: true } }, measured)).toBe(false);
  expect(isTrusted({ ...profile, imported: true }, measured)).toBe(false);
  expect(isTrusted({ ...profile, measuredAt: "some day" }, measured)).toBe(false);
});
