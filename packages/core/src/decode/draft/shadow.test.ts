import { describe, expect, it } from "vitest";
import type { Draft } from "../../contracts/drafter.ts";
import { Shadow } from "./shadow.ts";

const draftOf = (...tokens: number[]): Draft => ({
  tokens: Int32Array.from(tokens),
  confidence: Float32Array.from(tokens, (_, k) => 1 / (1 << k)),
  length: tokens.length,
});

function settle(shadow: Shadow, ...emitted: number[]) {
  shadow.settle(Int32Array.from(emitted), emitted.length);
  const { scores } = shadow;
  return Array.from({ length: scores.length }, (_, i) => [
    scores.position[i],
    scores.confidence[i],
    scores.accepted[i],
  ]);
}

describe("Shadow", () => {
  it("scores a draft as its tokens come out, over as many steps as that takes, until the first wrong one", () => {
    const shadow = new Shadow(8);
    shadow.record(draftOf(5, 6, 7, 8));
    expect(settle(shadow, 5, 6)).toEqual([
      [0, 1, 1],
      [1, 0.5, 1],
    ]);
    expect(settle(shadow, 9)).toEqual([[2, 0.25, 0]]);
    expect(settle(shadow, 8)).toEqual([]);
  });

  it("scores overlapping drafts beside each other", () => {
    const shadow = new Shadow(8);
    shadow.record(draftOf(1, 2));
    settle(shadow, 1);
    shadow.record(draftOf(3));
    expect(settle(shadow, 2)).toEqual([
      [1, 0.5, 1],
      [0, 1, 0],
    ]);
  });

  it("forgets the oldest draft for a new one, and scores no deeper than it was made for", () => {
    const shadow = new Shadow(2);
    for (let i = 0; i < 100; i++) shadow.record(draftOf(1, 1, 1));
    expect(settle(shadow, 1, 1, 1)).toHaveLength(32);
    expect(settle(shadow, 1)).toEqual([]);
  });

  it("ignores an empty draft", () => {
    const shadow = new Shadow(2);
    shadow.record(draftOf());
    expect(settle(shadow, 1)).toEqual([]);
  });
});
