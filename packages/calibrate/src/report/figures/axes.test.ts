import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { anyProfile, plainProfile } from "../../testing/profiles.ts";
import { positionsAxis, ratioAxis } from "./axes.ts";

describe("positionsAxis", () => {
  test("ticks are powers of two up to the last n", () => {
    expect(positionsAxis(plainProfile()).ticks).toEqual([1, 2, 4, 8, 16, 32]);
  });

  test("reaches for a baseline nearby, not for one far away", () => {
    expect(positionsAxis(plainProfile({ idle: 70 })).ticks.at(-1)).toBe(64);
    expect(positionsAxis(plainProfile({ idle: 300 })).ticks.at(-1)).toBe(32);
  });
});

describe("ratioAxis", () => {
  test("holds every ratio and its ticks, which keep their distance", () => {
    fc.assert(
      fc.property(anyProfile(fc.string()), (profile) => {
        const { domain, ticks } = ratioAxis(profile, 1.4);
        const [bottom, top] = domain;
        for (const value of [...ticks, ...profile.points.map(({ ratio }) => ratio)]) {
          expect(value).toBeGreaterThanOrEqual(bottom);
          expect(value).toBeLessThanOrEqual(top);
        }
        const gaps = ticks.slice(1).map((tick, i) => Math.log(tick / ticks[i]!) / Math.log(top / bottom));
        expect(Math.min(1, ...gaps)).toBeGreaterThan(0.04);
      }),
      { numRuns: 50 },
    );
  });
});
