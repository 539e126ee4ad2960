import { expect, it } from "vitest";
import { idleCompute } from "./idle-compute.ts";

it("is balance times bytes per weight over two", () => {
  expect(idleCompute({ flopsPerSecond: 190e9, bytesPerSecond: 20e9, bytesPerWeight: 4 })).toBe(19);
  expect(idleCompute({ flopsPerSecond: 190e9, bytesPerSecond: 20e9, bytesPerWeight: 0.5 })).toBe(2);
});

it("is never below one position", () => {
  expect(idleCompute({ flopsPerSecond: 1e9, bytesPerSecond: 20e9, bytesPerWeight: 4 })).toBe(1);
});
