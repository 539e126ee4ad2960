import { expect, it } from "vitest";
import { setupOf, steps } from "../../testing/rival-player.ts";
import { GenaiRule } from "./genai.ts";

const rule = () => new GenaiRule(setupOf(() => 1));

it("tries one more after a window of high acceptance, and keeps it where throughput holds", () => {
  const player = rule();
  expect(steps(player, 8, { right: 31 })).toEqual(Array(8).fill(4));
  // A window on trial, a window to be judged by, and the next trial.
  expect(steps(player, 17, { right: 31 })).toEqual([...Array(16).fill(5), 6]);
});

it("ends a trial after two rounds where throughput falls by more than a fifth", () => {
  const player = rule();
  steps(player, 8, { right: 31 });
  expect(steps(player, 4, { right: 31, ms: 2 })).toEqual([5, 5, 4, 4]);
});

it("goes back after a whole trial that cost more than three per cent", () => {
  const player = rule();
  steps(player, 8, { right: 31 });
  // (6 / 1.3) / (5 / 1) = 0.923
  expect(steps(player, 9, { right: 31, ms: 1.3 })).toEqual([...Array(8).fill(5), 4]);
});

it("tries one less after a window of low acceptance, down to one, and then pauses after three empty rounds", () => {
  const player = rule();
  const lengths = steps(player, 64, { right: 0 });
  expect(lengths.slice(0, 9)).toEqual([...Array(8).fill(4), 3]);
  expect(lengths.at(-1)).toBeLessThanOrEqual(1);
  const floor = lengths.slice(lengths.indexOf(1));
  expect(floor.slice(0, 8)).toEqual([1, 1, 1, 0, 1, 1, 1, 0]);
});
