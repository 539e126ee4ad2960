import { describe, expect, it } from "vitest";
import { sampleProfile } from "../testing/sample-profile.ts";
import { invariantRows, resolveConsistency } from "./consistency.ts";
import type { Invariance, Profile } from "./profile.ts";

function profileOf(invariance: Partial<Invariance>, ratios?: readonly number[]): Profile {
  const sample = sampleProfile(0, ratios);
  return { ...sample, invariance: { ...sample.invariance, ...invariance } };
}

describe("resolveConsistency", () => {
  it("tolerates rounding and nothing else", () => {
    const auto = (...invariances: Partial<Invariance>[]) =>
      resolveConsistency(
        "auto",
        invariances.map((i) => profileOf(i)),
      );
    expect(auto({ maxDifference: 1.4e-5, argmaxFlips: 0, rows: 256 })).toBe("tolerant");
    expect(auto({ maxDifference: 0.13, argmaxFlips: 0, rows: 256 })).toBe("bitwise");
    expect(auto({ maxDifference: 1e-5, argmaxFlips: 1, rows: 256 })).toBe("bitwise");
    expect(auto({ classes: [], maxDifference: 0, rows: 0 })).toBe("bitwise");
    expect(auto({ classes: [[1, 2, 3, 4]] })).toBe("tolerant");
    expect(auto({ classes: [[1]], maxDifference: 0, rows: 0 })).toBe("bitwise");
    expect(auto({}, { classes: [[1]], maxDifference: 0, rows: 0 })).toBe("bitwise");
    expect(auto({ argmaxFlips: 0 }, { argmaxFlips: 1 })).toBe("bitwise");
  });

  it("never tolerates coarse kernels or rows that depend on each other, however alike the few that were compared", () => {
    for (const fact of [{ coarse: "float16 activations" }, { dependent: "one scale" }]) {
      expect(resolveConsistency("auto", [profileOf({}), profileOf({ maxDifference: 0, ...fact })])).toBe("bitwise");
      expect(resolveConsistency("tolerant", [profileOf(fact)])).toBe("tolerant");
    }
  });

  it("does as it is told", () => {
    expect(resolveConsistency("bitwise", [profileOf({})])).toBe("bitwise");
    expect(resolveConsistency("tolerant", [profileOf({ argmaxFlips: 4 })])).toBe("tolerant");
  });
});

describe("invariantRows", () => {
  it("takes the class that speculation gains most in", () => {
    expect(invariantRows([profileOf({ classes: [[1], [2, 3, 4]] })])).toEqual([2, 3, 4]);
    expect(invariantRows([profileOf({ classes: [[1], [2, 3, 4]] }, [1, 4, 5, 6])])).toEqual([1]);
    expect(
      invariantRows([
        profileOf(
          {
            classes: [
              [1, 3, 5],
              [2, 4, 6],
            ],
          },
          [1, 1.5, 1, 1.5, 1, 1.5],
        ),
      ]),
    ).toEqual([1, 3, 5]);
  });

  it("keeps to rows that are of one class in every context", () => {
    const ratios = [1, 1.05, 1.06, 1.08, 1.4];
    const a = profileOf({ classes: [[1], [2, 3, 4, 5]] }, ratios);
    const b = profileOf({ classes: [[1], [2, 3, 4], [5]] }, ratios);
    expect(invariantRows([a, b])).toEqual([2, 3, 4]);
  });

  it("does not believe two that agree where all others differ: a scale or a routing made them", () => {
    expect(invariantRows([profileOf({ classes: [[1], [2, 4], [3]] })])).toEqual([1]);
    expect(invariantRows([profileOf({ classes: [[1, 3], [2], [4]] })])).toEqual([1]);
    expect(invariantRows([profileOf({ classes: [[1], [2], [3], [4]] })])).toEqual([1]);
  });

  it("leaves one row where nothing was compared, or rows depend on each other", () => {
    expect(invariantRows([profileOf({ classes: [] })])).toEqual([1]);
    const classes = [[1], [2, 3, 4]];
    expect(invariantRows([profileOf({ classes })])).toEqual([2, 3, 4]);
    expect(invariantRows([profileOf({ classes, rows: 0 })])).toEqual([1]);
    expect(invariantRows([profileOf({ classes }), profileOf({ classes, dependent: "one scale" })])).toEqual([1]);
  });
});
