import { expect, it } from "vitest";
import { setupOf, step, steps } from "../../testing/rival-player.ts";
import { CascadeRule } from "./cascade.ts";

it("climbs while utility rises, four trials of four steps, and keeps the best for sixteen", () => {
  const rule = new CascadeRule(setupOf(() => 1));
  const lengths = steps(rule, 36, { right: 31 });
  expect(lengths).toEqual(
    [3, 4, 5, 6].flatMap((length) => Array(4).fill(length)).concat(Array(16).fill(6), Array(4).fill(6)),
  );
});

it("turns round where one more is worse", () => {
  const rule = new CascadeRule(setupOf(() => 1));
  // Two draft tokens stand: 3, 4 and 2 bring the same tokens, at 1, 2 and 0.9 ms.
  const costs: Record<number, number> = { 3: 1, 4: 2, 2: 0.9, 1: 1 };
  const lengths = Array.from({ length: 20 }, () => {
    const length = rule.length();
    return step(rule, { right: 2, ms: costs[length]! });
  });
  expect(lengths).toEqual([3, 4, 2, 1, 2].flatMap((length) => Array(4).fill(length)));
});

it("switches off where utility is below one, for longer each time", () => {
  const rule = new CascadeRule(setupOf(() => 1));
  const lengths = Array.from({ length: 200 }, () => step(rule, { right: 0, ms: rule.length() > 0 ? 2 : 1 }));
  const off = lengths
    .join("")
    .split(/[1-9]+/)
    .map((run) => run.length)
    .filter((run) => run > 0);
  expect(off.slice(0, 3)).toEqual([16, 32, 64]);
});
