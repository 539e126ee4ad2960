import type { Runner } from "@nearfree/core";
import { describe, expect, it } from "vitest";
import { pairedSpeed } from "./paired-speed.ts";

/** Runners on one scripted clock, each with its own ms for a position, slowed by `load` of the time that it is. */
function machine(load: (ms: number) => number = () => 1) {
  let now = 0;
  const clock = () => now;
  const runner = (positionMs: number): Runner & { readonly forwards: number[] } => {
    let length = 0;
    const forwards: number[] = [];
    return {
      forwards,
      describe: () => ({ vocabularySize: 10, contextLimit: 100, batchLimit: 1, kvCache: "growing", rowsAtOnce: 8 }),
      get length() {
        return length;
      },
      async forward(tokens) {
        now += positionMs * tokens.length * load(now);
        length += tokens.length;
        forwards.push(tokens.length);
        return new Float32Array(10 * tokens.length);
      },
      rewind(to) {
        length = to;
      },
      release: async () => {},
    };
  };
  return { clock, runner };
}

describe("pairedSpeed", () => {
  it("gives the ratio of times, with an interval of nothing where nothing disturbs", async () => {
    const { clock, runner } = machine();
    const [reference, candidate] = [runner(2), runner(1)];
    const found = await pairedSpeed(reference, candidate, { contextLength: 20, rows: 4, clock });
    expect(found).toMatchObject({ contextLength: 20, rows: 4, referenceMs: 8, candidateMs: 4, pairs: 60 });
    for (const value of [found.ratio, found.low, found.high]) expect(value).toBeCloseTo(0.5, 10);
    expect([reference.length, candidate.length]).toEqual([0, 0]);
    expect(candidate.forwards[0]).toBe(20);
  });

  it("holds what slows the machine against both", async () => {
    const { clock, runner } = machine((ms) => 1 + ms / 100);
    const { ratio, low, high } = await pairedSpeed(runner(1), runner(1), { contextLength: 8, rows: 1, clock });
    expect(low).toBeLessThan(1);
    expect(high).toBeGreaterThan(1);
    expect(Math.abs(Math.log(ratio))).toBeLessThan(0.01);
  });

  it("ends when its time is up, but not before six pairs", async () => {
    const { clock, runner } = machine();
    const { pairs } = await pairedSpeed(runner(50), runner(50), { contextLength: 1, rows: 1, clock, budgetMs: 100 });
    expect(pairs).toBe(6);
  });

  it("is aborted between forwards", async () => {
    const { clock, runner } = machine();
    const signal = AbortSignal.abort();
    const run = pairedSpeed(runner(1), runner(1), { contextLength: 1, rows: 1, clock, signal });
    await expect(run).rejects.toMatchObject({ code: "aborted" });
  });
});
