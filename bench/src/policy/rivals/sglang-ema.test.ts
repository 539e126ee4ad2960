import { expect, it } from "vitest";
import { setupOf, steps } from "../../testing/rival-player.ts";
import { SglangEmaRule } from "./sglang-ema.ts";

it("starts in the middle, waits for its warm-up, and follows the accepted length in steps of five", () => {
  const rule = new SglangEmaRule(setupOf(() => 1));
  // After 15 steps the running length is 5 - 0.8^15 = 4.96 > 4.5: one up, to 7, whose threshold of 6.5 it is below.
  expect(steps(rule, 16, { right: 31 })).toEqual([...Array(15).fill(5), 7]);
  // 7 accepted: 4.96 -> 6.3 after five (the first of them above), -> 6.77 > 6.5 after ten: up again.
  expect(steps(rule, 10, { right: 31 }).at(-1)).toBe(15);
});

it("comes down to one, never to none", () => {
  const rule = new SglangEmaRule(setupOf(() => 1));
  const lengths = steps(rule, 40, { right: 0 });
  expect(lengths.slice(0, 15)).toEqual(Array(15).fill(5));
  expect(lengths[15]).toBe(1);
  expect(lengths.at(-1)).toBe(1);
});
