import fc from "fast-check";
import { expect, it } from "vitest";
import { createRandom, shuffled } from "./random.ts";

it("gives the same numbers for the same seed, in [0, 1)", () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const [a, b] = [createRandom(seed), createRandom(seed)];
      for (let i = 0; i < 20; i++) {
        const value = a();
        expect(value).toBe(b());
        expect(value >= 0 && value < 1).toBe(true);
      }
    }),
  );
});

it("shuffles into every order about equally often", () => {
  const random = createRandom(1);
  const counts = new Map<string, number>();
  for (let i = 0; i < 6_000; i++) {
    const order = shuffled(["a", "b", "c"], random).join("");
    counts.set(order, (counts.get(order) ?? 0) + 1);
  }
  expect(counts.size).toBe(6);
  for (const count of counts.values()) expect(Math.abs(count - 1_000)).toBeLessThan(120);
});
