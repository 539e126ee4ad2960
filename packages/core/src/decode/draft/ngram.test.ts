import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createDraft } from "../../contracts/drafter.ts";
import { describeDrafterContract } from "../../testing/drafter-suite.ts";
import { createNgramDrafter } from "./ngram.ts";
import { MIN_MATCH, SuffixIndex } from "./suffix-index.ts";

describeDrafterContract("the n-gram drafter", () => createNgramDrafter());

function propose(text: readonly number[], max: number) {
  const drafter = createNgramDrafter();
  drafter.reset(text);
  const draft = createDraft(max);
  drafter.propose(max, draft);
  return {
    tokens: [...draft.tokens.subarray(0, draft.length)],
    confidence: [...draft.confidence.subarray(0, draft.length)],
  };
}

/** Rescans the whole text: the longest match of its end, the most recent one on ties. */
function naive(text: readonly number[], maxMatch: number) {
  let [start, match, found] = [0, 0, 0];
  for (let place = text.length - 1; place >= MIN_MATCH; place--) {
    let length = 0;
    while (length < Math.min(maxMatch, place) && text[place - 1 - length] === text[text.length - 1 - length]) length++;
    if (length < MIN_MATCH) continue;
    found++;
    if (length > match) [start, match] = [place, length];
  }
  return { start, match, found };
}

describe("createNgramDrafter", () => {
  it("continues the longest match, not the most recent one", () => {
    expect(propose([1, 2, 3, 4, 9, 2, 3, 5, 1, 2, 3], 2).tokens).toEqual([4, 9]);
  });

  it("continues the most recent of equal matches", () => {
    expect(propose([1, 2, 7, 1, 2, 8, 1, 2], 1).tokens).toEqual([8]);
  });

  it("goes on with itself where the text ends", () => {
    expect(propose([1, 2, 3, 1, 2, 3], 8).tokens).toEqual([1, 2, 3, 1, 2, 3, 1, 2]);
    expect(propose([4, 4, 4], 5).tokens).toEqual([4, 4, 4, 4, 4]);
  });

  it("has no draft without a match of two tokens", () => {
    expect(propose([], 4).tokens).toEqual([]);
    expect(propose([1], 4).tokens).toEqual([]);
    expect(propose([1, 1], 4).tokens).toEqual([]);
    expect(propose([1, 2, 3, 2], 4).tokens).toEqual([]);
  });

  it("is as sure as e / (e + 2) of a lone match of e tokens, and surer with each token that was right", () => {
    const { confidence } = propose([1, 2, 3, 4, 5, 6, 7, 1, 2, 3], 3);
    expect(confidence.map((c) => c.toFixed(3))).toEqual(["0.600", "0.667", "0.714"]);
  });

  it("is surer where earlier places agree, and less sure where they do not", () => {
    const [lone] = propose([1, 2, 3, 1, 2], 1).confidence;
    const [agreed] = propose([1, 2, 3, 1, 2, 3, 9, 1, 2], 1).confidence;
    const [split] = propose([1, 2, 3, 1, 2, 4, 9, 1, 2], 1).confidence;
    expect(agreed).toBeGreaterThan(lone!);
    expect(split).toBeLessThan(lone!);
  });

  it("refuses options outside their range", () => {
    expect(() => createNgramDrafter({ maxMatch: 1 })).toThrow(/maxMatch/);
    expect(() => createNgramDrafter({ candidates: 0.5 })).toThrow(/candidates/);
  });
});

describe("SuffixIndex", () => {
  it("finds what a rescan of the text finds, at every length", () => {
    const texts = fc.integer({ min: 1, max: 5 }).chain((alphabet) => fc.array(fc.nat(alphabet), { maxLength: 200 }));
    const check = (text: number[], maxMatch: number) => {
      const index = new SuffixIndex(maxMatch, 1000);
      text.forEach((token, i) => {
        index.push(token);
        const expected = naive(text.slice(0, i + 1), maxMatch);
        expect(index.find()).toBe(expected.found > 0);
        if (expected.found === 0) return;
        expect({ start: index.start, match: index.match, found: index.found }).toEqual(expected);
      });
    };
    fc.assert(fc.property(texts, fc.integer({ min: 2, max: 12 }), check), { numRuns: 150 });
  });

  it("still finds early text after its tables have grown several times", () => {
    const index = new SuffixIndex(8, 32);
    for (const token of [900, 901, 902]) index.push(token);
    for (let i = 0; i < 20_000; i++) index.push(i % 887);
    for (const token of [900, 901]) index.push(token);
    expect(index.find()).toBe(true);
    expect(index.tokens[index.start]).toBe(902);
  });

  it("visits no more places than it was allowed", () => {
    const index = new SuffixIndex(8, 3);
    for (let i = 0; i < 50; i++) index.push(1);
    index.find();
    expect(index.found).toBe(3);
  });
});
