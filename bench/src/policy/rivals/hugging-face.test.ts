import { expect, it } from "vitest";
import { setupOf, step, steps } from "../../testing/rival-player.ts";
import { HuggingFaceRule } from "./hugging-face.ts";

it("drafts two more after a draft that stood whole, one less after any other, and never none", () => {
  const rule = new HuggingFaceRule(setupOf(() => 1));
  expect(steps(rule, 3, { right: 31 })).toEqual([5, 7, 9]);
  expect(steps(rule, 3, { right: 2 })).toEqual([11, 10, 9]);
  expect(steps(rule, 12, { right: 0 }).slice(-5)).toEqual([1, 1, 1, 1, 1]);
  expect([step(rule, { right: 31 }), step(rule, { right: 31 })]).toEqual([1, 3]);
});

it("keeps its length while the drafter has nothing", () => {
  const rule = new HuggingFaceRule(setupOf(() => 1));
  expect(steps(rule, 3, { right: 0, drafted: 0 })).toEqual([0, 0, 0]);
  expect(step(rule, { right: 0 })).toBe(5);
});
