import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { machineOf, streamOf } from "../testing/plain-course.ts";
import { clairvoyantMs } from "./clairvoyant.ts";
import { costMs, type Machine } from "./machine.ts";
import { replayFixed } from "./replay.ts";
import type { Stream } from "./stream.ts";

/** Every way through a stream: any positions at every step, on any rows that hold them. */
function leastMs(stream: Stream, machine: Machine, t = 0): number {
  if (t === stream.length) return 0;
  let least = Number.POSITIVE_INFINITY;
  const most = Math.min(stream.drafts[t]!.length, stream.limit[t]! - 1);
  for (let drafted = 0; drafted <= most; drafted++) {
    const on = leastMs(stream, machine, t + 1 + Math.min(drafted, stream.right[t]!));
    for (let rows = 1 + drafted; rows <= machine.tables[0]!.length; rows++) {
      const ms = costMs(machine, t, rows, stream.context[t]!) + (drafted > 0 ? machine.draftMs : 0);
      least = Math.min(least, ms + on);
    }
  }
  return least;
}

const course = fc
  .record({
    wanted: fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 1, maxLength: 6 }),
    // Not monotone: padding may pay.
    ms: fc.array(fc.double({ min: 0.5, max: 4, noNaN: true }), { minLength: 8, maxLength: 8 }),
    draftMs: fc.constantFrom(0, 0.3),
    levels: fc.array(fc.double({ min: 0.5, max: 2, noNaN: true }), { minLength: 6, maxLength: 6 }),
  })
  .map(({ wanted, ms, draftMs, levels }) => {
    const right = wanted.map((stands, t) => Math.min(stands, wanted.length - 1 - t));
    const stream = streamOf(right);
    return { stream, machine: { ...machineOf(ms, right.length, draftMs), levels: Float64Array.from(levels) } };
  });

describe("clairvoyantMs", () => {
  it("is the least of all ways through a stream", () => {
    fc.assert(
      fc.property(course, ({ stream, machine }) => {
        expect(clairvoyantMs(stream, machine)).toBeCloseTo(leastMs(stream, machine), 9);
      }),
      { numRuns: 60 },
    );
  });

  it("leaves tokens for a cheaper step where that pays: what is best now may lead to a worse place", () => {
    // All that stand at once, 3 + 3, cost 1.3 twice; 2 + 4 cost 1.1 and 1.35.
    const stream = streamOf([2, 1, 3, 2, 1, 0]);
    const machine = machineOf([1, 1.1, 1.3, 1.35, 3, 3, 3, 3], 6);
    expect(clairvoyantMs(stream, machine)).toBeCloseTo(1.1 + 1.35, 12);
  });

  it("bounds every fixed number", () => {
    const stream = streamOf([4, 3, 2, 1, 0, 5, 4, 3, 2, 1, 0, 0]);
    const machine = machineOf([1, 1.4, 1.5, 1.6, 2, 2.2, 2.4, 2.6], 12);
    for (let n = 1; n <= 8; n++)
      expect(clairvoyantMs(stream, machine)).toBeLessThanOrEqual(replayFixed(stream, machine, n).ms);
  });
});
