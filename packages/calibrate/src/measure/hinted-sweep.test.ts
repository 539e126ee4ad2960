import type { Measurement } from "@nearfree/core";
import { sampleProfile } from "@nearfree/core/test";
import { describe, expect, it } from "vitest";
import { createHint, type Hint } from "./hint.ts";
import { hintedPositions } from "./hinted-sweep.ts";
import { Samples } from "./statistics/samples.ts";

const GOALS = { epsilon: 0.1, maxPositions: 64 };
const NOISE = [-0.004, 0.003, 0.001, -0.002, 0.004, -0.001, 0.002, -0.003];

/** What a cell with these ratios left, certain of each. */
function neighbour(ratios: Record<number, number>): Measurement {
  const points = Object.entries({ 1: 1, ...ratios }).map(([n, ratio]) => ({
    positions: Number(n),
    ratio,
    low: ratio,
    high: ratio,
    samples: 5,
    level: "certified" as const,
  }));
  return { ...sampleProfile(), points };
}

/** Close samples of each ratio, as many as are asked for. */
function known(ratios: Record<number, number>, count = NOISE.length): Samples {
  const samples = new Samples();
  samples.addNull(NOISE);
  for (const [n, ratio] of Object.entries(ratios)) {
    samples.resume(
      Number(n),
      NOISE.slice(0, count).map((noise) => Math.log(ratio) + noise),
    );
  }
  return samples;
}

const TILED = { 2: 1.01, 4: 1.02, 6: 1.02, 8: 1.03, 9: 1.5, 12: 1.5, 16: 1.52, 24: 2, 32: 2.5 };
const hint = (...neighbours: Measurement[]): Hint => createHint(neighbours, GOALS)!;

describe("createHint", () => {
  it("expects the boundary between the neighbours', and calls twice or half of them a surprise", () => {
    const wider = { ...TILED, 9: 1.05, 12: 1.06, 16: 1.08, 17: 1.5 };
    expect(hint(neighbour(TILED))).toMatchObject({ boundary: 8, lowest: 4, highest: 16 });
    expect(hint(neighbour(TILED), neighbour(wider))).toMatchObject({ boundary: 11, lowest: 4, highest: 32 });
  });

  it("checks one n in each octave below, and one that a neighbour doubted", () => {
    expect(hint(neighbour(TILED)).checkpoints).toEqual([2, 6]);
    const doubtful = neighbour(TILED);
    const points = doubtful.points.map((point) => (point.positions === 4 ? { ...point, high: 1.12 } : point));
    expect(hint({ ...doubtful, points }).checkpoints).toEqual([2, 4, 6]);
    expect(hint(neighbour({ 2: 1.5, 4: 1.6 })).checkpoints).toEqual([]);
  });

  it("samples the shape only where it bends, up to the widest forward", () => {
    expect(hint(neighbour({ 2: 1, 4: 1.05, 5: 1.2, 8: 1.5, 16: 2.3, 32: 3.9 })).shape).toEqual([32]);
    expect(hint(neighbour(TILED)).shape).toEqual([16, 32]);
  });

  it("knows nothing from a neighbour that noise hid, or from none", () => {
    const hidden = neighbour(TILED);
    expect(createHint([], GOALS)).toBeUndefined();
    expect(createHint([{ ...hidden, run: { ...hidden.run, stop: "unresolvable" } }], GOALS)).toBeUndefined();
  });
});

describe("hintedPositions", () => {
  const tiled = hint(neighbour(TILED));
  const next = (ratios: Record<number, number>) => hintedPositions(known(ratios), tiled, GOALS);

  it("looks at both sides of the boundary first, and is done where all of it holds up", () => {
    expect(next({})).toEqual([8, 9, 2, 6, 16, 32]);
    expect(next({ 8: 1.03, 9: 1.5 })).toEqual([2, 6, 16, 32]);
    expect(next({ 2: 1, 6: 1.01, 8: 1.03, 9: 1.5, 16: 1.5, 32: 2.5 })).toEqual([]);
  });

  it("steps on in growing steps where the boundary moved, then halves", () => {
    const rest = { 2: 1, 6: 1, 16: 1.5, 32: 2.5 };
    expect(next({ ...rest, 8: 1.03, 9: 1.05 })).toEqual([10]);
    expect(next({ ...rest, 8: 1.03, 9: 1.05, 10: 1.05 })).toEqual([12]);
    expect(next({ ...rest, 8: 1.03, 9: 1.05, 10: 1.05, 12: 1.5 })).toEqual([11]);
    expect(next({ ...rest, 8: 1.3, 9: 1.5 })).toEqual([7]);
    expect(next({ ...rest, 7: 1.3, 8: 1.3, 9: 1.5 })).toEqual([]);
  });

  it("takes one sample of the shape where it agrees, several where it does not", () => {
    const samples = known({ 2: 1, 6: 1, 8: 1.03, 9: 1.5, 32: 2.5 });
    samples.resume(16, [Math.log(1.55)]);
    expect(hintedPositions(samples, tiled, GOALS)).toEqual([]);
    const other = known({ 2: 1, 6: 1, 8: 1.03, 9: 1.5, 32: 2.5 });
    other.resume(16, [Math.log(1.85)]);
    expect(hintedPositions(other, tiled, GOALS)).toEqual([16]);
    other.resume(16, [Math.log(1.85), Math.log(1.86)]);
    expect(hintedPositions(other, tiled, GOALS)).toEqual([]);
  });

  it("gives up where the samples contradict it: a dear n far below, a boundary far above, another shape", () => {
    expect(next({ 2: 1.5, 8: 1.03, 9: 1.5 })).toBeUndefined();
    expect(next({ 8: 1, 9: 1, 10: 1, 12: 1, 16: 1, 24: 1 })).toBeUndefined();
    expect(next({ 8: 1.03, 9: 1.5, 32: 6 })).toBeUndefined();
  });
});
