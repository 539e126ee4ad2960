import type { Probe } from "@nearfree/core/measure";
import { describe, expect, it } from "vitest";
import { CellRun } from "./cell-run.ts";
import { InvarianceRecorder } from "./invariance.ts";
import { Meter } from "./meter.ts";
import { createRandom } from "./statistics/random.ts";
import { Samples } from "./statistics/samples.ts";

interface CellScript {
  /** What the machine multiplies the forward of this index by. */
  readonly slowdown?: (forward: number) => number;
  readonly columns?: number;
}

/** A cell whose forwards of n positions take n ms, times what the machine does at that moment; `ran` is every n in order. */
function scriptedCell({ slowdown = () => 1, columns }: CellScript = {}) {
  let now = 0;
  const ran: number[] = [];
  const warming: number[] = [];
  const forward = async (n: number) => {
    now += n * slowdown(ran.length);
    ran.push(n);
    return new Float32Array(n);
  };
  const probe: Probe = {
    maxPositions: 8,
    prepare: () => {},
    run: async (n) => void (await forward(n)),
    ...(columns && { rows: { columns, together: forward, singly: forward } }),
  };
  const meter = new Meter(probe, () => now, { forwards: 1_000, ms: 1e9 }, undefined);
  const samples = new Samples();
  // Nothing else than the machine itself is noisy.
  samples.addNull([0, 0, 0, 0]);
  const invariance = new InvarianceRecorder();
  const onWarming = (n: number) => warming.push(n);
  const run = new CellRun({ probe, meter, samples, invariance, random: createRandom(1), onWarming });
  return { run, ran, samples, invariance, warming };
}

const sorted = (values: readonly number[]) => values.toSorted((a, b) => a - b);

describe("measure", () => {
  it("warms what is new, then runs two n between anchors of one position", async () => {
    const { run, ran, samples, warming } = scriptedCell();
    await run.measure([2, 3, 4, 5]);
    expect(warming).toEqual([2, 3, 4, 5]);
    expect(ran.slice(0, 4)).toEqual([2, 3, 4, 5]);
    const [first, a, b, second, c, d, third] = ran.slice(4);
    expect([first, second, third]).toEqual([1, 1, 1]);
    expect(sorted([a!, b!, c!, d!])).toEqual([2, 3, 4, 5]);
    expect(ran).toHaveLength(11);
    for (const n of [2, 3, 4, 5]) expect(samples.of(n)[0]).toBeCloseTo(Math.log(n), 12);
  });

  it("begins the next block at the last anchor", async () => {
    const { run, ran, samples, warming } = scriptedCell();
    await run.measure([2, 3, 4]);
    const before = ran.length;
    await run.measure([2, 3, 4]);
    expect(warming).toEqual([2, 3, 4]);
    expect(ran.slice(before).filter((n) => n === 1)).toHaveLength(2);
    expect(ran).toHaveLength(before + 5);
    expect([2, 3, 4].map((n) => samples.count(n))).toEqual([2, 2, 2]);
  });
});

describe("measureFresh", () => {
  it("gives ratios of its own and adds no sample", async () => {
    const { run, samples } = scriptedCell();
    const fresh = await run.measureFresh([2, 4]);
    expect(sorted([...fresh.keys()])).toEqual([2, 4]);
    expect(fresh.get(4)).toBeCloseTo(Math.log(4), 12);
    expect(samples.measured).toEqual([]);
  });

  it("leaves out what ran while the machine changed", async () => {
    // Forwards 0 to 3 are `1 a b 1`: the machine halves its speed in between.
    const { run, ran } = scriptedCell({ slowdown: (forward) => (forward < 2 ? 1 : 2) });
    const fresh = await run.measureFresh([2, 3, 4, 5]);
    const kept = ran.slice(5, 7);
    expect(sorted([...fresh.keys()])).toEqual(sorted(kept));
    for (const n of kept) expect(fresh.get(n)).toBeCloseTo(Math.log(n), 12);
  });

  it("takes an anchor once more where something cut into it", async () => {
    const { run, ran } = scriptedCell({ slowdown: (forward) => (forward === 3 ? 5 : 1) });
    const fresh = await run.measureFresh([2, 3]);
    expect(ran.filter((n) => n === 1)).toHaveLength(3);
    expect(fresh.get(2)).toBeCloseTo(Math.log(2), 12);
  });
});

describe("pair", () => {
  it("compares two n with each other, whatever one position costs", async () => {
    const { run, ran } = scriptedCell();
    const pairs = await run.pair(4, 6, 3);
    expect(pairs.map((logRatio) => Math.exp(logRatio))).toEqual(
      [1.5, 1.5, 1.5].map((ratio) => expect.closeTo(ratio, 12)),
    );
    // Both are warmed first; every pair ends in the base that the next begins with.
    expect(ran).toEqual([4, 6, 4, 6, 4, 6, 4, 6, 4]);
  });

  it("gives fewer where the machine does not hold still, and ends", async () => {
    const { run, ran } = scriptedCell({ slowdown: (forward) => 1.5 ** forward });
    expect(await run.pair(2, 3, 4)).toEqual([]);
    expect(ran.length).toBeLessThanOrEqual(3 + 3 * 8);
  });
});
