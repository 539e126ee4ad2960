import { createDraft, createNgramDrafter } from "@nearfree/core";
import { describe, expect, it } from "vitest";
import type { Recording } from "./recording.ts";
import { createStream, DRAFT_DEPTH, withDrafts } from "./stream.ts";

const recording = (prompt: number[], tokens: number[]): Recording => ({ id: "a", kind: "edit", prompt, tokens });

describe("withDrafts", () => {
  it("holds what a drafter that follows the text would propose at each place", () => {
    const text = recording([1, 2, 3, 4, 1, 2], [3, 4, 5, 1, 2, 3, 4, 6]);
    const { drafts } = withDrafts(text, createNgramDrafter());
    const drafter = createNgramDrafter();
    for (let t = 0; t < text.tokens.length; t++) {
      drafter.reset([...text.prompt, ...text.tokens.slice(0, t)]);
      const draft = createDraft(DRAFT_DEPTH);
      void drafter.propose(DRAFT_DEPTH, draft);
      expect(drafts[t]).toEqual(draft);
    }
    expect(Array.from(drafts[0]!.tokens.slice(0, 4))).toEqual([3, 4, 1, 2]);
  });
});

describe("createStream", () => {
  const text = withDrafts(recording([1, 2, 3, 4, 5, 1, 2], [3, 4, 5, 1, 2, 9, 9, 9]), createNgramDrafter());
  const segment = { text, from: 0, to: 6 };

  it("counts the draft tokens that stand, up to the last one wanted", () => {
    const { right, limit, context, starts } = createStream([segment], { as: "requests" });
    // The draft at 0 is 3 4 5 1 2 3 ...: five stand, and as many of the later ones as are left before the end.
    expect(Array.from(right.slice(0, 5))).toEqual([5, 4, 3, 2, 1]);
    expect(Array.from(limit)).toEqual([6, 5, 4, 3, 2, 1]);
    expect(Array.from(context)).toEqual([6, 7, 8, 9, 10, 11]);
    expect(Array.from(starts)).toEqual([1, 0, 0, 0, 0, 0]);
  });

  it("ends each request, or goes on with the next segment as the same text", () => {
    const short = { text, from: 0, to: 3 };
    const requests = createStream([short, segment], { as: "requests" });
    expect(Array.from(requests.right.slice(0, 3))).toEqual([2, 1, 0]);
    expect(Array.from(requests.starts)).toEqual([1, 0, 0, 1, 0, 0, 0, 0, 0]);
    const joined = createStream([short, segment], { as: "text", contextStart: 50 });
    // The draft of the first segment says 3 4 5 1, the text goes on with the second one's 3.
    expect(Array.from(joined.right.slice(0, 3))).toEqual([3, 2, 1]);
    expect(Array.from(joined.starts)).toEqual([1, 0, 0, 0, 0, 0, 0, 0, 0]);
    expect(Array.from(joined.limit)).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1]);
    expect(Array.from(joined.context)).toEqual([50, 51, 52, 53, 54, 55, 56, 57, 58]);
  });
});
