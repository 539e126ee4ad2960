import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createScores } from "../../contracts/scores.ts";
import { Guard } from "./guard.ts";

const ARMS = 8;

/** A text by what every place of it would accept of a draft made there: runs[i] right tokens, then a wrong one. */
interface Text {
  readonly runs: readonly number[];
}

/**
 * Walks a text as a decode with full shadow feedback does: at each step a draft of ARMS - 1 tokens, right up to the end of its run.
 * Calls `choose` for the policy's wish, runs what the guard makes of it, and returns ms beside those of every fixed n.
 */
function walk({ runs }: Text, price: Float64Array, choose: (step: number) => number) {
  const ends: number[] = [];
  for (const run of runs) ends.push((ends.at(-1) ?? 0) + run + 1);
  const end = ends.at(-1)!;
  const rightAt = (place: number) => Math.min(ARMS - 1, ends.find((last) => last > place)! - place - 1);
  const play = (widthAt: (place: number) => number, after?: (place: number, emitted: number) => void) => {
    let ms = 0;
    for (let place = 0; place < end; ) {
      const width = widthAt(place);
      const emitted = Math.min(width, rightAt(place) + 1);
      ms += price[width - 1]!;
      after?.(place, emitted);
      place += emitted;
    }
    return ms;
  };
  const guard = new Guard(ARMS);
  const scores = createScores(256);
  const drafts: { place: number; step: number }[] = [];
  let step = 0;
  let tokens = 4;
  let wish = 1;
  let guarded = 4 * price[0]!;
  const ms = play(
    () => {
      wish = choose(step);
      return guard.leader > 0 ? guard.leader : wish;
    },
    (place, emitted) => {
      drafts.push({ place, step });
      scores.length = 0;
      for (const draft of drafts) {
        const right = rightAt(draft.place);
        for (let k = place - draft.place; k < Math.min(ARMS - 1, place + emitted - draft.place) && k <= right; k++) {
          const at = scores.length++;
          scores.position[at] = k;
          scores.age[at] = step - draft.step;
          scores.accepted[at] = k < right ? 1 : 0;
        }
      }
      tokens += emitted;
      guarded += price[Math.min(wish, ARMS) - 1]!;
      guard.observe(ARMS - 1, wish, emitted, scores, price, tokens / guarded);
      step++;
    },
  );
  const fixed = Array.from({ length: ARMS }, (_, i) => play(() => i + 1));
  return { ms, fixed, guard };
}

// Not 7: whether a draft that is right to its end would have gone on right is the one thing that nobody saw.
const run = fc.nat(12).filter((right) => right !== ARMS - 1);
const texts = fc
  .array(fc.record({ run, times: fc.integer({ min: 1, max: 150 }) }), { minLength: 1, maxLength: 8 })
  .map((parts): Text => {
    const runs: number[] = [];
    for (let i = 0, tokens = 0; tokens < 2000; i++) {
      const { run, times } = parts[i % parts.length]!;
      for (let t = 0; t < times && tokens < 2000; t++) {
        runs.push(run);
        tokens += run + 1;
      }
    }
    return { runs };
  });
const prices = fc
  .array(fc.double({ min: 0, max: 0.9, noNaN: true }), { minLength: ARMS - 1, maxLength: ARMS - 1 })
  .map((steps) => Float64Array.from([0, ...steps], (_, n) => 1 + steps.slice(0, n).reduce((a, b) => a + b, 0)));

describe("Guard", () => {
  it("leaves a policy alone that is not behind", () => {
    const price = Float64Array.from({ length: ARMS }, (_, i) => 1 + 0.1 * i);
    const { ms, fixed, guard } = walk({ runs: new Array(200).fill(7) }, price, () => 8);
    expect(guard.leader).toBe(0);
    expect(ms).toBeCloseTo(Math.min(...fixed), 6);
  });

  it("takes over from a policy that is always wrong, whichever way", () => {
    const price = Float64Array.from({ length: ARMS }, (_, i) => 1 + 0.1 * i);
    const timid = walk({ runs: new Array(300).fill(7) }, price, () => 1);
    expect(timid.guard.leader).toBe(8);
    expect(timid.ms / Math.min(...timid.fixed)).toBeLessThan(1.03);
    const bold = walk({ runs: new Array(2000).fill(0) }, price, () => 8);
    expect(bold.guard.leader).toBe(1);
    expect(bold.ms / Math.min(...bold.fixed)).toBeLessThan(1.01);
  });

  it("keeps a policy stuck at one n within 1% and ten plain steps of the best, over 2,000 tokens of regimes: nearly always", () => {
    const cases = fc.sample(fc.tuple(texts, prices, fc.integer({ min: 1, max: ARMS })), { seed: 11, numRuns: 400 });
    const losses = cases.map(([text, price, wish]) => {
      const { ms, fixed } = walk(text, price, () => wish);
      return (ms - 10 * price[0]!) / Math.min(...fixed) - 1;
    });
    expect(losses.filter((loss) => loss > 0.01).length / losses.length).toBeLessThanOrEqual(0.01);
    expect(Math.max(...losses)).toBeLessThanOrEqual(0.1);
  });

  it("returns to the policy once that does better again", () => {
    const price = Float64Array.from({ length: ARMS }, (_, i) => 1 + 0.3 * i);
    const runs = [...new Array(600).fill(0), ...new Array(400).fill(7)];
    const { guard } = walk({ runs }, price, () => 8);
    expect(guard.leader === 0 || guard.leader === 8).toBe(true);
  });

  it("forgets a draft that nobody scores on: what is known of it is all that counts", () => {
    const guard = new Guard(ARMS);
    const price = Float64Array.from({ length: ARMS }, (_, i) => 1 + i);
    for (let i = 0; i < 1000; i++) guard.observe(7, 1, 1, createScores(0), price, 1);
    expect(guard.leader).toBe(0);
  });
});
