import { DraftLengthRule, MOST_DRAFTED, type RivalSetup } from "./rival.ts";

const START = 3;
/** Steps of a trial, trials of a test phase, and steps of a set phase. */
const TRIAL = 4;
const TRIALS = 4;
const SET = 16;
/** Set phases without speculation double up to this many steps. */
const LONGEST_OFF = 256;
/** Weight of a plain step in the time that one takes. */
const PLAIN_WEIGHT = 0.2;

/**
 * Cascade (Saxena et al. 2025, Utility-Driven Speculative Decoding for Mixture-of-Experts, arXiv 2506.20675). Utility is the gain in
 * tokens over the rise in cost of a step. A short test phase climbs to the draft length of the most utility, and a longer set
 * phase keeps it; where utility is below one, it runs without speculation, longer each time.
 */
export class CascadeRule extends DraftLengthRule {
  #plainMs: number;
  #length = START;
  #left = TRIAL;
  #testing = true;
  #trials = 0;
  #direction = 1;
  #best = START;
  #bestUtility = 0;
  #off = SET;
  #tokens = 0;
  #ms = 0;
  #steps = 0;

  constructor(setup: RivalSetup) {
    super(setup);
    this.#plainMs = this.profiledMs(0);
  }

  length(): number {
    return this.#length;
  }

  protected learn(drafted: number, accepted: number, ms: number): void {
    if (drafted === 0) this.#plainMs += PLAIN_WEIGHT * (ms - this.#plainMs);
    // A step for which the drafter had nothing says nothing about a length.
    if (drafted === 0 && this.#length > 0) return;
    this.#tokens += accepted + 1;
    this.#ms += ms;
    this.#steps++;
    if (--this.#left > 0) return;
    if (this.#testing) this.#judge();
    else this.#test(this.#length > 0 ? this.#length : this.#best);
  }

  #judge(): void {
    const utility = this.#tokens / this.#steps / (this.#ms / this.#steps / this.#plainMs);
    const first = this.#trials++ === 0;
    const better = first || utility > this.#bestUtility;
    if (better) {
      this.#best = this.#length;
      this.#bestUtility = utility;
    } else if (this.#trials === 2) {
      // Uphill is the other way.
      this.#direction = -1;
    }
    const next = this.#best + this.#direction;
    const climbing = better || this.#trials === 2;
    this.#testing = climbing && this.#trials < TRIALS && next >= 1 && next <= MOST_DRAFTED;
    if (this.#testing) {
      this.#start(next, TRIAL);
    } else if (this.#bestUtility >= 1) {
      this.#off = SET;
      this.#start(this.#best, SET);
    } else {
      this.#start(0, this.#off);
      this.#off = Math.min(2 * this.#off, LONGEST_OFF);
    }
  }

  #test(length: number): void {
    this.#testing = true;
    this.#trials = 0;
    this.#direction = 1;
    this.#start(length, TRIAL);
  }

  #start(length: number, steps: number): void {
    this.#length = length;
    this.#left = steps;
    this.#tokens = this.#ms = this.#steps = 0;
  }
}
