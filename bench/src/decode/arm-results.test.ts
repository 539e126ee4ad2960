import type { DecodeStats } from "@nearfree/core";
import type { Prompt, PromptKind } from "@nearfree/examples";
import { describe, expect, it } from "vitest";
import {
  armResults,
  type Cell,
  countIdentical,
  countPrompts,
  HALVES,
  half,
  headlines,
  shortPrompts,
  tokensPerForward,
  tokensPerSecond,
} from "./arm-results.ts";

const ARMS = ["plain", "fixed-4", "scheduled", "transformersjs"];
const VARIED = Array.from({ length: 21 }, (_, i) => i);
const LOOP = Array.from({ length: 21 }, (_, i) => i % 3);

function cellsOf(id: string, kind: PromptKind, tokens: readonly number[], msByArm: Record<string, number>): Cell[] {
  const prompt: Prompt = { id, kind, source: "", prompt: "" };
  return ARMS.map((arm) => {
    const decodeMs = msByArm[arm]!;
    const stats = { tokens: tokens.length, forwards: decodeMs } as DecodeStats;
    // The repeats of an arm lie around its median.
    const runs = [1, 0.5, 3].map((f) => ({ tokens, decodeMs: decodeMs * f, totalMs: 2 * decodeMs * f, stats }));
    return { prompt, arm, runs };
  });
}

const results = armResults(ARMS, [
  ...cellsOf("loop", "edit", LOOP, { plain: 20, "fixed-4": 4, scheduled: 5, transformersjs: 40 }),
  ...cellsOf("varied", "novel", VARIED, { plain: 20, "fixed-4": 25, scheduled: 16, transformersjs: 24 }),
  ...cellsOf("empty", "continue", [], { plain: 1, "fixed-4": 1, scheduled: 1, transformersjs: 1 }),
]);

describe("arm results", () => {
  it("leave out the prompts whose text ends at once, and name them", () => {
    expect(results.endAtOnce).toEqual(["empty"]);
    expect(countPrompts(results)).toBe(2);
    expect(countIdentical(results, "plain")).toBe(2);
  });

  it("keep a prompt that only some arms have nothing to say to: it is not identical", () => {
    const ms = { plain: 1, "fixed-4": 1, scheduled: 1, transformersjs: 1 };
    const cells = cellsOf("odd", "edit", VARIED, ms).map((cell) =>
      cell.arm === "scheduled" ? { ...cell, runs: cell.runs.map((run) => ({ ...run, tokens: [] })) } : cell,
    );
    const odd = armResults(ARMS, cells);
    expect([odd.endAtOnce, countPrompts(odd), countIdentical(odd, "plain")]).toEqual([[], 1, 0]);
    expect(tokensPerSecond(odd, "scheduled", shortPrompts, "decodeMs")).toBe(0);
  });

  it("know which half loops, by the plain output", () => {
    expect([...results.looping]).toEqual(["loop"]);
    expect(HALVES.map((name) => countPrompts(results, half(results, name)))).toEqual([1, 1]);
  });

  it("give every headline for all prompts and for each half", () => {
    expect(tokensPerSecond(results, "plain", shortPrompts, "decodeMs")).toBe(1000);
    expect(tokensPerSecond(results, "plain", shortPrompts, "totalMs")).toBe(525);
    expect(headlines(results, [results], () => shortPrompts)).toEqual({
      OverPlainMin: 1.25,
      OverPlain: 40 / 21,
      OverPlainRepeat: 4,
      OverBestFixed: expect.closeTo(29 / 21, 12),
      OverTransformersjs: 64 / 21,
    });
    const [looping, nonLooping] = HALVES.map((name) => headlines(results, [results], (each) => half(each, name)));
    expect(looping).toMatchObject({ OverPlain: 4, OverPlainMin: 4, OverBestFixed: 0.8, OverTransformersjs: 8 });
    expect(nonLooping).toMatchObject({ OverPlain: 1.25, OverBestFixed: 1.25, OverTransformersjs: 1.5 });
    // No prompt of this kind in this half.
    expect(nonLooping!.OverPlainRepeat).toBeNaN();
    expect(HALVES.map((name) => tokensPerForward(results, half(results, name)))).toEqual([21 / 5, 21 / 16]);
  });
});
