import { expect, it } from "vitest";
import { sampleProfile } from "../testing/sample-profile.ts";
import { parseProfile } from "./profile.ts";
import { profileStanding } from "./profile-standing.ts";

it.each([
  [{}, "whole"],
  [{ stop: "decided" }, "whole"],
  [{ stop: "forwards" }, "whole"],
  [{ stop: "time" }, "whole"],
  [{ stop: "aborted" }, "partial"],
  [{ stop: "unresolvable" }, "partial"],
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
