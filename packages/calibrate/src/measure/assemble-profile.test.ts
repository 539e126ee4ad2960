import { parseProfile } from "@nearfree/core";
import { sampleProfile } from "@nearfree/core/test";
import { expect, it } from "vitest";
import { assembleProfile } from "./assemble-profile.ts";

it("names a measurement and sets the idle-compute baseline beside it", () => {
  const { version, key, measuredAt, idleCompute, ...measurement } = sampleProfile();
  const profile = assembleProfile({
    key,
    measurement,
    balance: { flopsPerSecond: 1.9e11, bytesPerSecond: 2e10 },
    bytesPerWeight: 4,
    measuredAt: new Date(measuredAt),
  });
  expect(profile).toEqual({ ...sampleProfile(), version, idleCompute: { ...idleCompute, positions: 19 } });
  expect(parseProfile(profile)).toEqual(profile);
});
