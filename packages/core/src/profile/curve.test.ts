import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sampleProfile } from "../testing/sample-profile.ts";
import { createCostCurve } from "./curve.ts";
import type { Profile } from "./profile.ts";

/** A profile with T(1) = 1 ms from [n, ratio, half-width] triples. */
function measured(points: readonly (readonly [number, number, number?])[], contextLength = 256): Profile {
  const sample = sampleProfile();
  return {
    ...sample,
    key: { ...sample.key, cell: { contextLength, batch: 1 } },
    baseMs: 1,
    points: points.map(([positions, ratio, half = 0.01]) => ({
      positions,
      ratio,
      low: ratio - half,
      high: ratio + half,
      samples: 8,
      level: "certified",
    })),
  };
}

const rounded = (values: ArrayLike<number>) => Array.from(values, (value) => Number(value.toFixed(6)));

describe("createCostCurve", () => {
  it("draws a straight line between measured points, and ends with the last of them", () => {
    const curve = createCostCurve(
      measured([
        [1, 1],
        [2, 1.2],
        [4, 1.4],
        [8, 2],
      ]),
    );
    expect(curve.maxPositions).toBe(8);
    expect(rounded(curve.costMs)).toEqual([1, 1.2, 1.3, 1.4, 1.55, 1.7, 1.85, 2]);
  });

  it("keeps within the positions asked for", () => {
    expect(
      createCostCurve(
        measured([
          [1, 1],
          [3, 1.4],
          [8, 2],
        ]),
        { maxPositions: 3 },
      ).costMs,
    ).toHaveLength(3);
  });

  it("keeps an inversion, and pads to it", () => {
    const curve = createCostCurve(
      measured([
        [1, 1],
        [2, 2],
        [3, 3],
        [4, 1.5],
        [5, 1.6],
      ]),
    );
    expect(rounded(curve.costMs)).toEqual([1, 2, 3, 1.5, 1.6]);
    expect([...curve.paddedRows]).toEqual([1, 4, 4, 4, 5]);
    expect(rounded(curve.paddedMs)).toEqual([1, 1.5, 1.5, 1.5, 1.6]);
    expect([...curve.smallestRows]).toEqual([1, 2, 3, 4, 5]);
  });

  it("does not pad within the measurement's doubt, nor to rows that were not measured", () => {
    const doubtful = createCostCurve(
      measured([
        [1, 1],
        [2, 1.55, 0.1],
        [3, 1.5, 0.1],
      ]),
    );
    expect([...doubtful.paddedRows]).toEqual([1, 2, 3]);
    const sparse = createCostCurve(
      measured([
        [1, 1],
        [2, 2],
        [6, 1.2],
      ]),
    );
    expect([...sparse.paddedRows]).toEqual([1, 6, 6, 6, 6, 6]);
  });

  it("runs no row count that no profile measured, but the next one that was", () => {
    const near = measured([
      [1, 1],
      [2, 1.2],
      [5, 1.5],
    ]);
    const far = measured(
      [
        [1, 1],
        [4, 1.4],
        [5, 1.6],
      ],
      1000,
    );
    expect([...createCostCurve(near).paddedRows]).toEqual([1, 2, 5, 5, 5]);
    expect([...createCostCurve([near, far]).paddedRows]).toEqual([1, 2, 4, 4, 5]);
  });

  it("marks the last position of each stair", () => {
    const curve = createCostCurve(
      measured([
        [1, 1],
        [2, 1.01],
        [3, 1.5],
        [4, 1.51],
        [5, 1.5],
        [6, 2],
      ]),
    );
    expect([...curve.rightEdge]).toEqual([0, 1, 0, 0, 1, 1]);
  });

  it("finds prefixFree for any epsilon, an n between measured ones counting as the next", () => {
    const curve = createCostCurve(
      measured([
        [1, 1],
        [2, 1.04],
        [4, 1.08],
        [6, 1.3],
        [8, 1.05],
      ]),
    );
    expect(curve.prefixFree(0.01)).toBe(1);
    expect(curve.prefixFree(0.045)).toBe(2);
    expect(curve.prefixFree(0.5)).toBe(8);
    // 3 to 6 rows are cheaper as 8.
    expect(curve.prefixFree(0.05)).toBe(8);
    expect(
      createCostCurve(
        measured([
          [1, 1],
          [2, 1.04],
          [4, 1.08],
          [6, 1.3],
        ]),
      ).prefixFree(0.1),
    ).toBe(4);
  });

  it("runs only the rows of a class, and compares with one position in that class", () => {
    const profile = measured([
      [1, 1],
      [2, 1.5],
      [4, 1.6],
      [6, 1.8],
    ]);
    const curve = createCostCurve(profile, { rows: [2, 4, 6] });
    expect([...curve.paddedRows]).toEqual([2, 2, 4, 4, 6, 6]);
    expect([...curve.smallestRows]).toEqual([2, 2, 4, 4, 6, 6]);
    expect(curve.prefixFree(0.1)).toBe(4);
    const one = createCostCurve(profile, { rows: [2, 4, 6], maxPositions: 1 });
    expect([one.maxPositions, one.paddedRows[0], one.costMs.length]).toEqual([1, 2, 2]);
  });

  it("interpolates cost between contexts and takes the smaller prefixFree there", () => {
    const near = measured(
      [
        [1, 1],
        [2, 1.05],
        [3, 1.08],
      ],
      0,
    );
    const far = measured(
      [
        [1, 2],
        [2, 2.5],
        [3, 4],
      ].map(([n, r]) => [n!, r!] as const),
      1000,
    );
    const curve = createCostCurve([far, near]);
    expect(rounded(curve.costMs)).toEqual([1, 1.05, 1.08]);
    curve.moveTo(500);
    expect(rounded(curve.costMs)).toEqual([1.5, 1.775, 2.54]);
    expect(curve.prefixFree(0.1)).toBe(1);
    curve.moveTo(5000);
    expect(rounded(curve.costMs)).toEqual([2, 2.5, 4]);
    curve.moveTo(-5);
    expect(curve.prefixFree(0.1)).toBe(3);
  });

  it("crosses no stair between two contexts: where they begin elsewhere, the dearer ratio holds all the way", () => {
    const stairs = (edge: number) => Array.from({ length: 8 }, (_, i) => [i + 1, i < edge ? 1 : 1.5] as const);
    const far = measured(stairs(4), 1000);
    const curve = createCostCurve([measured(stairs(6), 0), { ...far, baseMs: 2 }]);
    expect(rounded(curve.costMs)).toEqual([1, 1, 1, 1, 1, 1, 1.5, 1.5]);
    curve.moveTo(500);
    expect(rounded(curve.costMs)).toEqual([1.5, 1.5, 1.5, 1.5, 2.25, 2.25, 2.25, 2.25]);
    curve.moveTo(1000);
    expect(rounded(curve.costMs)).toEqual([2, 2, 2, 2, 3, 3, 3, 3]);
  });

  it("pads between two contexts only where it pays in both", () => {
    const dip = [
      [1, 1],
      [2, 2],
      [3, 1.2],
    ] as const;
    const straight = [
      [1, 1],
      [2, 2],
      [3, 2.1],
    ] as const;
    const curve = createCostCurve([measured(dip, 0), measured(straight, 1000)]);
    expect([...curve.paddedRows]).toEqual([1, 3, 3]);
    curve.moveTo(500);
    expect([...curve.paddedRows]).toEqual([1, 2, 3]);
  });

  it("never prices a row count below both cells' ratios, nor above both", () => {
    const ratios = fc.array(fc.double({ min: 0.8, max: 4, noNaN: true }), { minLength: 7, maxLength: 7 });
    fc.assert(
      fc.property(ratios, ratios, fc.integer({ min: 0, max: 1000 }), (one, other, context) => {
        const pointsOf = (list: number[]) => [1, ...list].map((ratio, i) => [i + 1, ratio] as const);
        const curve = createCostCurve([measured(pointsOf(one), 0), measured(pointsOf(other), 1000)]);
        curve.moveTo(context);
        for (let i = 0; i < 7; i++) {
          expect(curve.costMs[i + 1]).toBeGreaterThanOrEqual(Math.min(one[i]!, other[i]!) - 1e-9);
          expect(curve.costMs[i + 1]).toBeLessThanOrEqual(Math.max(one[i]!, other[i]!) + 1e-9);
        }
      }),
    );
  });

  it("refuses profiles that do not belong together", () => {
    expect(() => createCostCurve([])).toThrow(/at least one profile/);
    expect(() => createCostCurve([sampleProfile(0), sampleProfile(1)])).toThrow(/one model/);
    const sample = sampleProfile();
    expect(() => createCostCurve({ ...sample, key: { ...sample.key, cell: { contextLength: 1, batch: 2 } } })).toThrow(
      /batch 2/,
    );
  });
});
