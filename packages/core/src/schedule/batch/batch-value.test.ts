import fc from "fast-check";
import { expect, it } from "vitest";
import { batchValue } from "./batch-value.ts";

const price = fc.double({ min: 0.01, max: 10, noNaN: true });
const share = fc.double({ min: 0, max: 1, noNaN: true });

it("finds the widening of the most value within the limit", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(price, share), { minLength: 1, maxLength: 32 }),
      fc.double({ min: 0.01, max: 5, noNaN: true }),
      price,
      (steps, tokensPerMs, limitMs) => {
        const priceMs = Float64Array.from(steps, ([ms]) => ms);
        const gain = Float64Array.from(steps.slice(1), ([, tokens]) => tokens);
        const widest = gain.length;
        const widened = batchValue({ gain, gains: widest, priceMs, widest, limitMs, tokensPerMs });
        const worthOf = (c: number) => gain.subarray(0, c).reduce((sum, s) => sum + s, 0) - tokensPerMs * priceMs[c]!;
        const allowed = steps.map((_, c) => c).filter((c) => c === 0 || priceMs[c]! <= limitMs);
        expect(allowed).toContain(widened);
        expect(worthOf(widened)).toBeCloseTo(Math.max(...allowed.map(worthOf)), 9);
      },
    ),
  );
});

it("keeps to the limit but for the narrowest step, and pads where more rows cost less", () => {
  const choice = { gain: Float64Array.of(1, 1, 0, 0), gains: 2, widest: 3, tokensPerMs: 0.1 };
  const priceMs = Float64Array.of(2, 3, 4, 1);
  expect(batchValue({ ...choice, priceMs, limitMs: 100 })).toBe(3);
  expect(batchValue({ ...choice, priceMs, widest: 2, limitMs: 3 })).toBe(1);
  expect(batchValue({ ...choice, priceMs, widest: 2, limitMs: 0.5 })).toBe(0);
});
