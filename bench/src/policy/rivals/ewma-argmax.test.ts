import { expect, it } from "vitest";
import { setupOf, steps } from "../../testing/rival-player.ts";
import { EwmaArgmaxRule } from "./ewma-argmax.ts";

it("takes the most tokens per ms by its running rates", () => {
  const rule = new EwmaArgmaxRule(setupOf((n) => 1 + 0.25 * (n - 1)));
  // At .8 everywhere, as in the first step of vLLM's rule.
  expect(rule.length()).toBe(3);
});

it("stays at none once it is there: nothing it does not verify is learned", () => {
  const rule = new EwmaArgmaxRule(setupOf((n) => 1 + 0.25 * (n - 1)));
  expect(steps(rule, 40, { right: 0 }).at(-1)).toBe(0);
  expect(steps(rule, 1000, { right: 31 })).toEqual(Array(1000).fill(0));
});
