import type { Runner } from "@nearfree/core";
import { describe, expect, it } from "vitest";
import { useTestModel } from "../../testing/test-model.ts";
import { meanSpeed, timeForms } from "./time-forms.ts";

const fixture = useTestModel();

/** The runner on a machine whose clock the forwards of `costMs` advance. */
function timed(runner: Runner, clock: { ms: number }, costMs: (context: number, rows: number) => number): Runner {
  // What is seeded must be the runner itself.
  return new Proxy(runner, {
    get(target, name) {
      if (name === "forward") {
        return async (tokens: ArrayLike<number>) => {
          clock.ms += costMs(target.length, tokens.length);
          return target.forward(tokens);
        };
      }
      const value = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

describe("timeForms", () => {
  it("gives the ratio of each context and number of rows, and leaves both empty", async () => {
    const clock = { ms: 0 };
    const original = timed(fixture.model.runner, clock, (context, rows) => 4 + context + rows);
    const rewrite = timed(fixture.model.runner, clock, (context, rows) => (4 + context + rows) / 2);
    const speeds = await timeForms(original, rewrite, { contexts: [64, 16], now: () => clock.ms });
    expect(speeds.map(({ context, rows }) => [context, rows])).toEqual([
      [64, 1],
      [64, 4],
      [16, 1],
      [16, 4],
    ]);
    for (const { ratio } of speeds) expect(ratio).toBeCloseTo(2);
    expect(meanSpeed(speeds)).toBeCloseTo(2);
    expect(fixture.model.runner.length).toBe(0);
  });

  it("begins no further context once its time is over, and takes fewer pairs of what is slow", async () => {
    const clock = { ms: 0 };
    let forwards = 0;
    const slow = timed(fixture.model.runner, clock, () => {
      forwards++;
      return 900;
    });
    const speeds = await timeForms(slow, slow, { contexts: [64, 16], now: () => clock.ms });
    expect(speeds.map(({ context }) => context)).toEqual([64, 64]);
    // Two to warm up and three pairs of two, of both, for one row and for four.
    expect(forwards).toBe(2 * 2 * (2 + 2 * 3));
  });
});
