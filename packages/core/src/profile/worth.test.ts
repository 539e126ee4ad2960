import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sampleProfile } from "../testing/sample-profile.ts";
import { expectedTokens } from "./expected-tokens.ts";
import type { Invariance, Profile } from "./profile.ts";
import { worthOf } from "./worth.ts";

const profileOf = (ratios: readonly number[], invariance: Partial<Invariance> = {}, batch = 1): Profile => {
  const sample = sampleProfile(0, ratios);
  const cell = { contextLength: 256, batch };
  return { ...sample, key: { ...sample.key, cell }, invariance: { ...sample.invariance, ...invariance } };
};
/** n = 1 differs from the rest, and an argmax flipped: bitwise. */
const flips = (most: number): Partial<Invariance> => ({
  classes: [[1], Array.from({ length: most - 1 }, (_, i) => i + 2)],
  rows: 64,
  argmaxFlips: 1,
  maxDifference: 0.1,
});

describe("expectedTokens", () => {
  it("is the sum of a^k for k < n", () => {
    expect(expectedTokens(1, 0.7)).toBeCloseTo(1, 12);
    expect(expectedTokens(3, 0.7)).toBeCloseTo(1 + 0.7 + 0.49, 12);
    expect(expectedTokens(5, 0)).toBe(1);
    expect(expectedTokens(5, 1)).toBe(5);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 64 }), fc.double({ min: 0, max: 0.999, noNaN: true }), (n, a) => {
        let sum = 0;
        for (let k = 0; k < n; k++) sum += a ** k;
        expect(expectedTokens(n, a)).toBeCloseTo(sum, 9);
      }),
    );
  });
});

describe("worthOf", () => {
  it("is the best E(n) / r(n) on the measured curve", () => {
    // 0.5: E = 1 1.5 1.75 1.875. 0.9: 1 1.9 2.71 3.439.
    const { consistency, best, tolerant } = worthOf(profileOf([1, 1.1, 1.2, 1.6]), [0.5, 0.9]);
    expect(consistency).toBe("tolerant");
    expect(tolerant).toBeUndefined();
    expect(best).toEqual([
      { acceptance: 0.5, positions: 3, speedup: expect.closeTo(1.75 / 1.2, 12) },
      { acceptance: 0.9, positions: 3, speedup: expect.closeTo(2.71 / 1.2, 12) },
    ]);
  });

  it("is one position where no other pays", () => {
    expect(worthOf(profileOf([1, 2, 3, 4])).best.map(({ positions, speedup }) => [positions, speedup])).toEqual([
      [1, 1],
      [1, 1],
      [1, 1],
    ]);
  });

  it("of a bitwise run counts the class that is scheduled, against one position as it runs alone", () => {
    const found = worthOf(profileOf([1, 1.3, 1.4, 1.5], { ...flips(4), classes: [[1], [2], [3, 4]] }), [0.7]);
    // Two that agree are no class to switch within: one position.
    expect(found).toMatchObject({ consistency: "bitwise", best: [{ positions: 1, speedup: 1 }] });
    expect(found.tolerant).toMatchObject([{ positions: 4, speedup: expect.closeTo(expectedTokens(4, 0.7) / 1.5, 12) }]);
    const wide = worthOf(profileOf([1, 1.3, 1.4, 1.5], flips(4)), [0]);
    // Nothing accepted: a bitwise run pays for its padding.
    expect(wide.best).toEqual([{ acceptance: 0, positions: 2, speedup: expect.closeTo(1 / 1.3, 12) }]);
  });

  it("counts no more positions than a scheduler takes unasked", () => {
    const flat = Array.from({ length: 64 }, () => 1);
    expect(worthOf(profileOf(flat), [0.9]).best[0]!.positions).toBe(32);
  });

  it("of several sequences has no bitwise mode", () => {
    expect(worthOf(profileOf([1, 1.1, 1.2, 1.3], flips(4), 4)).consistency).toBe("tolerant");
  });

  it("never falls with acceptance, and tolerance never gives less", () => {
    const ratios = fc.array(fc.double({ min: 0.9, max: 8, noNaN: true }), { minLength: 3, maxLength: 40 });
    fc.assert(
      fc.property(ratios, fc.boolean(), (rest, bitwise) => {
        const { best, tolerant } = worthOf(profileOf([1, ...rest], bitwise ? flips(rest.length + 1) : {}));
        for (let i = 1; i < best.length; i++) expect(best[i]!.speedup).toBeGreaterThanOrEqual(best[i - 1]!.speedup);
        for (const [i, { speedup }] of (tolerant ?? []).entries()) {
          expect(speedup).toBeGreaterThanOrEqual(best[i]!.speedup);
        }
      }),
    );
  });
});
