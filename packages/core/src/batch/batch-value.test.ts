import fc from "fast-check";
import { expect, it } from "vitest";
import { bestValue } from "../policy/best-value.ts";
import { batchValue } from "./batch-value.ts";

const price = fc.double({ min: 0.01, max: 10, noNaN: true });

it("chooses for one request what best-value chooses", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(price, fc.double({ min: 0, max: 1, noNaN: true })), { minLength: 1, maxLength: 32 }),
      fc.double({ min: 0.01, max: 5, noNaN: true }),
      (rows, tokensPerMs) => {
        const priceMs = Float64Array.from(rows, ([ms]) => ms);
        const gain = Float64Array.from(rows.slice(1), ([, share]) => share);
        for (let k = 1; k < gain.length; k++) gain[k]! *= gain[k - 1]!;
        const survival = Float64Array.of(1, ...gain);
        const available = rows.length;
        const curve = { maxPositions: available } as Parameters<ReturnType<typeof bestValue>["choose"]>[0]["curve"];
        const positions = bestValue().choose({ curve, priceMs, survival, available, tokensPerMs });
        const choice = { gain, gains: gain.length, priceMs, widest: available - 1, tokensPerMs };
        const widened = batchValue({ ...choice, limitMs: Number.POSITIVE_INFINITY });
        // The sums differ by their rounding: where two choices are worth the same, either is right.
        const worthOf = (c: number) => gain.subarray(0, c).reduce((sum, s) => sum + s, 0) - tokensPerMs * priceMs[c]!;
        expect(worthOf(widened)).toBeCloseTo(worthOf(positions - 1), 9);
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
