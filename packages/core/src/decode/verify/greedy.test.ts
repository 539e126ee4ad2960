import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NearfreeError } from "../../contracts/errors.ts";
import { argmax, verifyGreedy } from "./greedy.ts";

describe("argmax", () => {
  it("is the first column that no other exceeds", () => {
    const values = fc.oneof(fc.float(), fc.constantFrom(Number.NaN, Number.NEGATIVE_INFINITY, 0, -0, 1));
    const check = (before: number[], row: number[]) => {
      const logits = Float32Array.from([...before, ...row, 9e9]);
      const numbers = row.filter((value) => value > Number.NEGATIVE_INFINITY);
      const expected = numbers.length === 0 ? -1 : row.findIndex((value) => numbers.every((other) => value >= other));
      expect(argmax(logits, before.length, row.length)).toBe(expected);
    };
    fc.assert(fc.property(fc.array(values, { maxLength: 5 }), fc.array(values, { maxLength: 21 }), check), {
      numRuns: 1000,
    });
  });
});

describe("verifyGreedy", () => {
  // Rows whose argmax is 2, 0, 1.
  const logits = Float32Array.from([0, 1, 5, 7, 1, 5, 0, 9, 5]);
  const verify = (...draft: number[]) => {
    const emitted = new Int32Array(draft.length + 1);
    const accepted = verifyGreedy(logits, 3, Int32Array.from(draft), draft.length, emitted);
    return [...emitted.subarray(0, accepted + 1)];
  };

  it("emits the accepted draft tokens and the one that follows", () => {
    expect(verify()).toEqual([2]);
    expect(verify(2)).toEqual([2, 0]);
    expect(verify(2, 0)).toEqual([2, 0, 1]);
  });

  it("stops at the first wrong token, whatever stands behind it", () => {
    expect(verify(1, 0)).toEqual([2]);
    expect(verify(2, 1)).toEqual([2, 0]);
  });

  it("refuses a row without a number, and does not read rows behind a wrong token", () => {
    const broken = Float32Array.from([0, 1, Number.NaN, Number.NaN]);
    const emitted = new Int32Array(2);
    expect(verifyGreedy(broken, 2, Int32Array.of(0), 1, emitted)).toBe(0);
    expect(() => verifyGreedy(broken, 2, Int32Array.of(1), 1, emitted)).toThrow(NearfreeError);
  });
});
