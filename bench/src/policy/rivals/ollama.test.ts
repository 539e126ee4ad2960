import { expect, it } from "vitest";
import { setupOf, step } from "../../testing/rival-player.ts";
import { OllamaRule } from "./ollama.ts";

/** Steps on a machine where a step of d draft tokens takes ms(d). */
function run(rule: OllamaRule, count: number, right: number, ms: (drafted: number) => number): number[] {
  return Array.from({ length: count }, () => step(rule, { right, ms: ms(Math.min(rule.length(), 31)) }));
}

it("climbs one past the deepest draft that it has tried, while that pays", () => {
  const rule = new OllamaRule(setupOf(() => 1));
  const flat = Array.from({ length: 5 }, () => step(rule, { right: 31, ms: 1 }));
  expect(flat).toEqual([1, 2, 3, 4, 5]);
});

it("stops drafting where a draft costs more than it brings, and probes now and then, more rarely each time", () => {
  const rule = new OllamaRule(setupOf(() => 1));
  const chosen = Array.from({ length: 400 }, () => {
    const drafted = step(rule, { right: 0, ms: 1 });
    return drafted;
  });
  expect(chosen[0]).toBe(1);
  const probes = chosen.flatMap((drafted, i) => (drafted > 0 && i > 5 ? [i] : []));
  const gaps = probes.slice(1).map((at, i) => at - probes[i]!);
  expect(gaps.length).toBeGreaterThanOrEqual(2);
  for (let i = 1; i < gaps.length; i++) expect(gaps[i]!).toBeGreaterThan(gaps[i - 1]!);
});

it("prefers a depth by its own measured cost", () => {
  const rule = new OllamaRule(setupOf(() => 1));
  const chosen = run(rule, 60, 31, (drafted) => (drafted > 3 ? 20 : 1));
  expect(chosen.slice(-10).filter((drafted) => drafted === 3).length).toBeGreaterThanOrEqual(9);
});
