import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Runner } from "../contracts/runner.ts";
import { codeOf, logitsWithin } from "./logits-within.ts";

export interface RunnerSuiteOptions {
  /** Largest difference of a logit between forwards of different n, as kernels round differently. Default 1e-4. */
  readonly tolerance?: number;
}

const TEXT = Int32Array.from({ length: 40 }, (_, i) => (i * i * 3 + i) % 8);

/**
 * The contract of every `Runner`, as vitest tests. `makeRunner` gives a runner with an empty cache, a vocabulary of at least 8 tokens
 * and a context of at least 48 and at most a million positions.
 */
export function describeRunnerContract(
  name: string,
  makeRunner: () => Promise<Runner>,
  { tolerance = 1e-4 }: RunnerSuiteOptions = {},
): void {
  describe(`${name} keeps the Runner contract`, () => {
    let runner: Runner;
    let columns: number;
    beforeEach(async () => {
      runner = await makeRunner();
      columns = runner.describe().vocabularySize;
    });
    afterEach(() => runner.release());

    const fresh = async (tokens: ArrayLike<number>, rows?: number) => {
      runner.rewind(0);
      return (await runner.forward(tokens, rows)).slice();
    };
    const expectClose = logitsWithin(tolerance);

    it("starts empty, with a description that makes sense", () => {
      const { vocabularySize, contextLimit, batchLimit } = runner.describe();
      expect(runner.length).toBe(0);
      expect(vocabularySize).toBeGreaterThanOrEqual(8);
      expect(contextLimit).toBeGreaterThanOrEqual(48);
      expect(batchLimit).toBeGreaterThanOrEqual(1);
    });

    it("says how many rows it runs at once, and in one line why not more", () => {
      const { rowsAtOnce, rowsAtOnceReason } = runner.describe();
      expect(rowsAtOnce).toBeGreaterThanOrEqual(1);
      expect(rowsAtOnce === Number.POSITIVE_INFINITY || Number.isSafeInteger(rowsAtOnce)).toBe(true);
      if (rowsAtOnce === Number.POSITIVE_INFINITY) expect(rowsAtOnceReason).toBeUndefined();
      else expect(rowsAtOnceReason).toMatch(/^\S.{0,120}$/);
    });

    it("gives single rows' logits for several rows on a past, whatever was there before", async () => {
      const singles: Float32Array[] = [];
      for (const token of TEXT) singles.push((await runner.forward([token])).slice());
      for (const [start, n] of [
        [4, 2],
        [2, 4],
        [30, 8],
        [17, 16],
        [33, 7],
      ] as const) {
        runner.rewind(start);
        const logits = await runner.forward(TEXT.subarray(start, start + n));
        for (let i = 0; i < n; i++) expectClose(logits.slice(i * columns, (i + 1) * columns), singles[start + i]!);
        if (start + n < TEXT.length) await runner.forward(TEXT.subarray(start + n)); // The text as it was.
      }
    });

    it("gives one row of finite logits for each position", async () => {
      const logits = await runner.forward(TEXT.subarray(0, 5));
      expect(logits.length).toBe(5 * columns);
      expect(logits.every(Number.isFinite)).toBe(true);
      expect(runner.length).toBe(5);
    });

    it("accepts plain arrays as well as typed ones", async () => {
      const typed = await fresh(TEXT.subarray(0, 6));
      expect(await fresh([...TEXT.subarray(0, 6)])).toEqual(typed);
    });

    it("gives the same logits position by position, in steps, and in one forward", async () => {
      const whole = await fresh(TEXT);
      for (const steps of [[1], [3], [2, 5, 1, 7]]) {
        runner.rewind(0);
        for (let at = 0, i = 0; at < TEXT.length; i++) {
          const n = Math.min(steps[i % steps.length]!, TEXT.length - at);
          const logits = await runner.forward(TEXT.subarray(at, at + n));
          expectClose(logits, whole.subarray(at * columns, (at + n) * columns));
          at += n;
        }
        expect(runner.length).toBe(TEXT.length);
      }
    });

    it("repeats itself bit for bit after a rewind", async () => {
      await runner.forward(TEXT.subarray(0, 20));
      const first = (await runner.forward(TEXT.subarray(20, 27))).slice();
      runner.rewind(20);
      expect(await runner.forward(TEXT.subarray(20, 27))).toEqual(first);
    });

    it("forgets what was rewound: other tokens run as if nothing had been there", async () => {
      const other = [...TEXT.subarray(0, 9), 7, 0, 7, 0];
      const expected = await fresh(other);
      await fresh(TEXT.subarray(0, 9));
      await runner.forward(TEXT.subarray(9, 30));
      runner.rewind(25);
      runner.rewind(9);
      expect(runner.length).toBe(9);
      expectClose(await runner.forward(other.slice(9)), expected.subarray(9 * columns));
    });

    it("gives only the last rows when asked to", async () => {
      const whole = await fresh(TEXT);
      for (const rows of [1, 2, 5, TEXT.length]) {
        const logits = await fresh(TEXT, rows);
        expectClose(logits, whole.subarray((TEXT.length - rows) * columns));
        expect(runner.length).toBe(TEXT.length);
      }
      expect((await fresh(TEXT, 0)).length).toBe(0);
      expect(runner.length).toBe(TEXT.length);
    });

    it("keeps the cache of a long input read without logits", async () => {
      const whole = await fresh(TEXT);
      await fresh(TEXT.subarray(0, 38), 0);
      expectClose(await runner.forward(TEXT.subarray(38)), whole.subarray(38 * columns));
    });

    it("refuses bad arguments and keeps its state", async () => {
      await runner.forward(TEXT.subarray(0, 10));
      const bad = [[columns], [-1], [0.5], [Number.NaN], [0, 1, columns + 5], []];
      for (const tokens of bad) expect(await codeOf(runner.forward(tokens))).toBe("invalid-argument");
      for (const rows of [-1, 3, 0.5]) expect(await codeOf(runner.forward([1, 2], rows))).toBe("invalid-argument");
      for (const length of [-1, 11, 2.5, Number.NaN]) {
        expect(() => runner.rewind(length)).toThrow(expect.objectContaining({ code: "invalid-argument" }));
      }
      expect(runner.length).toBe(10);
      const after = (await runner.forward(TEXT.subarray(10, 14))).slice();
      const whole = await fresh(TEXT.subarray(0, 14));
      expectClose(after, whole.subarray(10 * columns));
    });

    it("refuses more positions than its context holds, before running any", async () => {
      await runner.forward(TEXT.subarray(0, 10));
      const tooMany = new Int32Array(runner.describe().contextLimit - 9);
      expect(await codeOf(runner.forward(tooMany))).toBe("context-exceeded");
      expect(runner.length).toBe(10);
    });

    it("releases twice without complaint and runs nothing afterwards", async () => {
      await runner.forward(TEXT.subarray(0, 3));
      await runner.release();
      await runner.release();
      expect(await codeOf(runner.forward([1]))).toBe("invalid-argument");
    });
  });
}
