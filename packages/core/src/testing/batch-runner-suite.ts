import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { BatchRunner, RowLayout } from "../contracts/batch-runner.ts";
import type { Runner } from "../contracts/runner.ts";
import { codeOf, logitsWithin } from "./logits-within.ts";

export interface BatchRunnerSuiteOptions {
  /** Largest difference of a logit between a sequence among others and the same one alone. Default 1e-4. */
  readonly tolerance?: number;
}

/** Both of one model, empty. */
export interface BatchAndAlone {
  readonly batch: BatchRunner;
  readonly alone: Runner;
}

const text = (seed: number, length: number) => Array.from({ length }, (_, i) => (i * i * 3 + i * seed + seed) % 8);
const CAUSAL = (n: number, from: number): RowLayout => ({
  positions: Array.from({ length: n }, (_, i) => from + i),
  visible: Array.from({ length: n * n }, (_, at) => (at % n <= Math.floor(at / n) ? 1 : 0)),
});

/**
 * The contract of every `BatchRunner`, as vitest tests: what a sequence is given is what a `Runner` of the same model gives it alone.
 * Wants a vocabulary of at least 8 tokens, a context of at least 48 positions and at least 4 slots.
 */
export function describeBatchRunnerContract(
  name: string,
  make: () => Promise<BatchAndAlone>,
  { tolerance = 1e-4 }: BatchRunnerSuiteOptions = {},
): void {
  describe(`${name} keeps the BatchRunner contract`, () => {
    let batch: BatchRunner;
    let alone: Runner;
    let columns: number;
    beforeEach(async () => {
      ({ batch, alone } = await make());
      columns = batch.describe().vocabularySize;
    });
    afterEach(async () => {
      await batch.release();
      await alone.release();
    });

    /** Logits of the last rows of `tokens`, run alone. */
    const logitsAlone = async (tokens: readonly number[], rows: number) => {
      alone.rewind(0);
      return (await alone.forward(tokens, rows)).slice();
    };
    const expectClose = logitsWithin(tolerance);
    const thrown = (call: () => unknown) => {
      try {
        call();
        return "no error";
      } catch (error) {
        return (error as { code?: string }).code;
      }
    };

    it("runs sequences of unequal length side by side, with as many new rows as each brings", async () => {
      const texts = [text(1, 9), text(2, 23), text(3, 14)];
      const slots = texts.map(() => batch.open());
      await batch.forward(texts.map((tokens, i) => ({ slot: slots[i]!, tokens: tokens.slice(0, -3), rows: 0 })));
      expect(slots.map((slot) => batch.length(slot))).toEqual([6, 20, 11]);
      const parts = texts.map((tokens, i) => ({ slot: slots[i]!, tokens: tokens.slice(-3, i === 1 ? -2 : undefined) }));
      const logits = await batch.forward(parts);
      for (const [i, tokens] of texts.entries()) {
        const seen = i === 1 ? tokens.slice(0, -2) : tokens;
        expectClose(logits[i]!, await logitsAlone(seen, parts[i]!.tokens.length));
      }
    });

    it("whatever is opened, run, rewound and closed: each sequence stays its own", async () => {
      const limit = Math.min(4, batch.describe().slotLimit);
      const step = fc.record({
        what: fc.constantFrom("open", "run", "run", "run", "rewind", "close"),
        seed: fc.nat(1000),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 14 }), async (steps) => {
          const texts = new Map<number, number[]>();
          for (const { what, seed } of steps) {
            const slots = [...texts.keys()];
            const slot = slots[seed % Math.max(1, slots.length)];
            if (what === "open" && slots.length < limit) texts.set(batch.open(), []);
            else if (slot === undefined) continue;
            else if (what === "close") {
              batch.close(slot);
              texts.delete(slot);
            } else if (what === "rewind") {
              const tokens = texts.get(slot)!;
              tokens.length = seed % (tokens.length + 1);
              batch.rewind(slot, tokens.length);
            } else {
              const chosen = slots.filter((_, i) => i === seed % slots.length || (seed >> i) % 2 === 1);
              const parts = chosen
                .map((each, i) => ({ slot: each, tokens: text(seed + i, 1 + ((seed >> (i + 2)) % 4)) }))
                .filter(({ slot: each, tokens }) => texts.get(each)!.length + tokens.length <= 40);
              if (parts.length === 0) continue;
              const logits = await batch.forward(parts);
              for (const [i, part] of parts.entries()) {
                const tokens = texts.get(part.slot)!;
                tokens.push(...part.tokens);
                expectClose(logits[i]!, await logitsAlone(tokens, part.tokens.length));
              }
            }
            for (const [each, tokens] of texts) expect(batch.length(each)).toBe(tokens.length);
          }
          for (const slot of texts.keys()) batch.close(slot);
        }),
        { numRuns: 20, seed: 1 },
      );
    });

    it("runs the branches of a tree at once, and goes on from the one that is kept", async () => {
      const slot = batch.open();
      const prompt = text(5, 12);
      await batch.forward([{ slot, tokens: prompt, rows: 0 }]);
      // A root with two children; the second has a child of its own: rows 0; 1, 2; 3.
      const tokens = [1, 4, 6, 2];
      const layout: RowLayout = {
        positions: [12, 13, 13, 14],
        visible: [1, 0, 0, 0, 1, 1, 0, 0, 1, 0, 1, 0, 1, 0, 1, 1],
      };
      const [tree] = await batch.forward([{ slot, tokens, layout }]);
      const row = (i: number) => tree!.slice(i * columns, (i + 1) * columns);
      const rows = Array.from(tokens, (_, i) => row(i));
      expectClose(rows[1]!, await logitsAlone([...prompt, 1, 4], 1));
      expectClose(rows[2]!, await logitsAlone([...prompt, 1, 6], 1));
      expectClose(rows[3]!, await logitsAlone([...prompt, 1, 6, 2], 1));
      batch.keep(slot, 12, [0, 2, 3]);
      expect(batch.length(slot)).toBe(15);
      const [next] = await batch.forward([{ slot, tokens: [7, 3] }]);
      expectClose(next!, await logitsAlone([...prompt, 1, 6, 2, 7, 3], 2));
    });

    it("a layout that says what is the default changes nothing; one that shows all shows what is behind", async () => {
      const slot = batch.open();
      await batch.forward([{ slot, tokens: text(6, 10), rows: 0 }]);
      const run = async (tokens: readonly number[], layout?: RowLayout) => {
        const [logits] = await batch.forward([{ slot, tokens, ...(layout && { layout }) }]);
        batch.rewind(slot, 10);
        return logits!.slice();
      };
      const causal = CAUSAL(3, 10);
      expectClose(await run([1, 2, 3], causal), await run([1, 2, 3]));
      const open: RowLayout = { ...causal, visible: new Uint8Array(9).fill(1) };
      const first = (logits: Float32Array) => logits.slice(0, columns);
      expect(first(await run([1, 2, 3]))).toEqual(first(await run([1, 2, 5])));
      expect(first(await run([1, 2, 3], open))).not.toEqual(first(await run([1, 2, 5], open)));
    });

    it("reuses the slots that are closed, and has no more than it says", async () => {
      const { slotLimit } = batch.describe();
      const slots = Array.from({ length: slotLimit }, () => batch.open());
      expect(new Set(slots).size).toBe(slotLimit);
      expect(thrown(() => batch.open())).toBe("invalid-argument");
      batch.close(slots[1]!);
      expect(batch.open()).toBe(slots[1]);
      expect(batch.length(slots[1]!)).toBe(0);
    });

    it("refuses what does not fit, and runs nothing then", async () => {
      const slot = batch.open();
      await batch.forward([{ slot, tokens: [1, 2, 3] }]);
      const part = { slot, tokens: [1, 2] };
      const layout = CAUSAL(2, 3);
      const { contextLimit } = batch.describe();
      const attempts: [string, Parameters<BatchRunner["forward"]>[0]][] = [
        ["invalid-argument", []],
        ["invalid-argument", [part, part]],
        ["invalid-argument", [{ slot: slot + 1, tokens: [1] }]],
        ["invalid-argument", [{ slot, tokens: [] }]],
        ["invalid-argument", [{ slot, tokens: [-1] }]],
        ["invalid-argument", [{ ...part, rows: 3 }]],
        ["invalid-argument", [{ ...part, layout: { ...layout, positions: [3] } }]],
        ["invalid-argument", [{ ...part, layout: { ...layout, positions: [3, -1] } }]],
        ["invalid-argument", [{ ...part, layout: { ...layout, visible: [1] } }]],
        ["context-exceeded", [{ slot, tokens: new Int32Array(contextLimit) }]],
      ];
      for (const [expected, parts] of attempts) expect(await codeOf(batch.forward(parts))).toBe(expected);
      expect(thrown(() => batch.rewind(slot, 4))).toBe("invalid-argument");
      expect(thrown(() => batch.keep(slot, 1, [1, 0]))).toBe("invalid-argument");
      expect(thrown(() => batch.keep(slot, 4, []))).toBe("invalid-argument");
      expect(thrown(() => batch.close(slot + 1))).toBe("invalid-argument");
      expect(batch.length(slot)).toBe(3);
    });

    it("refuses all once it is released, which may be done twice", async () => {
      const slot = batch.open();
      await batch.release();
      await batch.release();
      expect(await codeOf(batch.forward([{ slot, tokens: [1] }]))).toBe("invalid-argument");
      expect(thrown(() => batch.open())).toBe("invalid-argument");
    });
  });
}
