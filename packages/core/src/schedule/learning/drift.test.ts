import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { NoiseOptions } from "../../testing/timing-noise.ts";
import { createNoise, LONGEST_BURST, NOISES } from "../../testing/timing-noise.ts";
import { DRIFT_FORWARDS, DriftDetector } from "./drift.ts";

const SHIFT = Math.log(1.15);
/** A burst hides a shift while it lasts, and where the shift is to faster times takes back as many forwards. */
const hidden = ({ bursts = 0 }: NoiseOptions) => (bursts > 0 ? 2 * LONGEST_BURST : 0);

describe("DriftDetector", () => {
  for (const { name, ...options } of NOISES) {
    it(`finds a lasting shift of 15% either way within 200 forwards, and takes it back within 300: ${name}`, () => {
      for (let seed = 1; seed <= 50; seed++) {
        for (const sign of [1, -1]) {
          const noise = createNoise(options, seed);
          const detector = new DriftDetector();
          for (let i = 0; i < 1000; i++) detector.observe(noise());
          expect(detector.shifted).toBe(false);
          let found = 0;
          while (!detector.shifted) {
            detector.observe(noise() + sign * SHIFT);
            expect(++found).toBeLessThanOrEqual(200 + hidden(options));
          }
          let gone = 0;
          while (detector.shifted) {
            detector.observe(noise());
            expect(++gone).toBeLessThanOrEqual(300 + hidden(options));
          }
        }
      }
    });

    it(`raises no more than one false alarm in 100,000 forwards: ${name}`, () => {
      let alarms = 0;
      for (let seed = 1; seed <= 5; seed++) {
        const noise = createNoise(options, seed * 101);
        const detector = new DriftDetector();
        for (let i = 0, before = false; i < 100_000; i++) {
          detector.observe(noise());
          if (detector.shifted && !before) alarms++;
          before = detector.shifted;
        }
      }
      expect(alarms).toBe(0);
    });
  }

  it("cannot be raised by fewer forwards than its threshold, whatever they take", () => {
    const burst = fc.array(fc.double({ min: -5, max: 5, noNaN: true }), { maxLength: DRIFT_FORWARDS - 5 });
    fc.assert(
      fc.property(burst, (logs) => {
        const detector = new DriftDetector();
        for (let i = 0; i < 20; i++) detector.observe(0);
        for (const log of logs) detector.observe(log);
        expect(detector.shifted).toBe(false);
      }),
    );
  });

  it("counts running medians of five", () => {
    const sorted = fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 5, maxLength: 400 });
    fc.assert(
      fc.property(sorted, (logs) => {
        const detector = new DriftDetector();
        let [above, below] = [0, 0];
        let expected = false;
        logs.forEach((log, i) => {
          detector.observe(log);
          if (i < 4 || expected) return;
          const middle = logs.slice(i - 4, i + 1).sort((a, b) => a - b)[2]!;
          above = middle > SHIFT / 2 ? above + 1 : Math.max(0, above - 1);
          below = middle < -SHIFT / 2 ? below + 1 : Math.max(0, below - 1);
          expected = above >= DRIFT_FORWARDS || below >= DRIFT_FORWARDS;
          expect(detector.shifted).toBe(expected);
        });
      }),
    );
  });
});
