import { createDraft } from "@nearfree/core";
import { describeDrafterContract } from "@nearfree/core/test";
import { describe, expect, it } from "vitest";
import { always, createKnownDrafter, everyThird, never } from "./known-drafter.ts";

describeDrafterContract("a drafter that knows the continuation", () => createKnownDrafter(3, [4, 5, 6], 8, never));

describe("createKnownDrafter", () => {
  const proposed = (mistakes: typeof never, learnt: number, max: number) => {
    const drafter = createKnownDrafter(2, [3, 4, 5, 7], 8, mistakes);
    drafter.reset([0, 1]);
    drafter.learn([3, 4, 5, 7], learnt);
    const draft = createDraft(8);
    drafter.propose(max, draft);
    return [...draft.tokens.subarray(0, draft.length)];
  };

  it("goes on from where the text is", () => {
    expect(proposed(never, 1, 2)).toEqual([4, 5]);
    expect(proposed(never, 1, 8)).toEqual([4, 5, 7]);
    expect(proposed(never, 4, 8)).toEqual([]);
  });

  it("makes its mistakes inside the vocabulary", () => {
    expect(proposed(always, 0, 8)).toEqual([4, 5, 6, 0]);
    expect(proposed(everyThird, 0, 8)).toEqual([3, 4, 6, 7]);
  });
});
