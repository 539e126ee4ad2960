import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Draft, Drafter } from "../contracts/drafter.ts";
import { createDraft } from "../contracts/drafter.ts";

const TEXTS = fc.array(fc.integer({ min: 0, max: 7 }), { maxLength: 60 });

const filled = ({ tokens, confidence, length }: Draft) => [tokens.slice(0, length), confidence.slice(0, length)];

/** The contract of every `Drafter`, as vitest tests. `makeDrafter` gives a drafter for a vocabulary of at least 8 tokens. */
export function describeDrafterContract(name: string, makeDrafter: () => Drafter): void {
  describe(`${name} keeps the Drafter contract`, () => {
    it("knows its cost", () => {
      expect(makeDrafter().costMs).toBeGreaterThanOrEqual(0);
    });

    it("fills at most what was asked for and fits, with a confidence in [0, 1] for each token", async () => {
      const check = async (text: number[], max: number, capacity: number) => {
        const drafter = makeDrafter();
        const draft = createDraft(capacity);
        draft.length = capacity;
        drafter.reset(text);
        await drafter.propose(max, draft);
        expect(draft.length).toBeLessThanOrEqual(Math.min(max, capacity));
        expect(draft.length).toBeGreaterThanOrEqual(0);
        for (let k = 0; k < draft.length; k++) {
          expect(draft.tokens[k]).toBeGreaterThanOrEqual(0);
          expect(draft.confidence[k]).toBeGreaterThanOrEqual(0);
          expect(draft.confidence[k]).toBeLessThanOrEqual(1);
        }
      };
      const sizes = fc.integer({ min: 0, max: 20 });
      await fc.assert(fc.asyncProperty(TEXTS, sizes, sizes, check));
    });

    it("drafts the same whether the text came at once, in parts, or after another text", async () => {
      const check = async (text: number[], cut: number, before: number[]) => {
        const [atOnce, inParts] = [createDraft(8), createDraft(8)];
        const one = makeDrafter();
        one.reset(text);
        await one.propose(8, atOnce);
        const other = makeDrafter();
        other.reset(before);
        await other.propose(8, inParts);
        other.learn(before, before.length);
        other.reset(text.slice(0, cut));
        await other.propose(8, inParts);
        // Only `count` tokens were appended: what lies behind them is not text.
        other.learn([...text.slice(cut), 7, 7, 7], Math.max(0, text.length - cut));
        await other.propose(8, inParts);
        expect(filled(inParts)).toEqual(filled(atOnce));
      };
      await fc.assert(fc.asyncProperty(TEXTS, fc.integer({ min: 0, max: 60 }), TEXTS, check));
    });
  });
}
