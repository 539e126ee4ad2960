import type { Scores } from "../../contracts/scores.ts";

/** Share of the past that one step forgets in what policy and fixed numbers of positions have cost. */
const FORGET = 1 / 800;
/** Tokens' worth of time that the policy may fall behind a fixed number of positions before the guard takes over. */
const MARGIN_TOKENS = 4;
/** It hands back once the policy is no further behind than this. */
const RETURN_TOKENS = 2;

/**
 * Full-information guard: knows what every fixed number of positions would have made of the same text, and overrules a policy
 * that has fallen behind the best of them.
 *
 * A draft's accepted length says what any n would have emitted there, and the curve what it would have cost. A fixed n visits other
 * positions of the text than the loop did; between two visited ones, the draft of the first is still right, with as much of it
 * left as was not emitted. So each fixed n is followed along a trajectory of its own, from one step's text into the next.
 *
 * Losses are ms less the tokens at the price of a ms, with forgetting: equal tokens cancel, and a trajectory that is a few tokens ahead
 * of another compares fairly. Following the leader needs no randomness where every expert's loss is seen (Hannan 1957); the
 * margin keeps noise from switching.
 */
export class Guard {
  readonly #arms: number;
  // [n]: what n positions at every step have lost, and how far its trajectory is beyond the oldest open step's start. [0]: the policy
  readonly #loss: Float64Array;
  readonly #ahead: Int32Array;
  #leader = 0;
  // Ring of steps whose drafts are still being decided: [slot]
  readonly #capacity: number;
  readonly #drafted: Int32Array;
  readonly #policy: Int32Array;
  readonly #emitted: Int32Array;
  readonly #right: Int32Array;
  readonly #known: Int32Array;
  readonly #open: Uint8Array;
  #first = 0;
  #count = 0;

  /** @param arms most positions of a plan. */
  constructor(arms: number) {
    this.#arms = arms;
    this.#loss = new Float64Array(arms + 1);
    this.#ahead = new Int32Array(arms + 1);
    this.#capacity = arms + 1;
    this.#drafted = new Int32Array(this.#capacity);
    this.#policy = new Int32Array(this.#capacity);
    this.#emitted = new Int32Array(this.#capacity);
    this.#right = new Int32Array(this.#capacity);
    this.#known = new Int32Array(this.#capacity);
    this.#open = new Uint8Array(this.#capacity);
  }

  /** The fixed number of positions to run instead of what the policy wants; 0 to leave it to the policy. */
  get leader(): number {
    return this.#leader;
  }

  /**
   * A step with `drafted` draft tokens, for which the policy wanted `policy` positions, emitted `emitted` tokens.
   * @param priceMs priceMs[n-1]: ms of a step of n positions.
   */
  observe(
    drafted: number,
    policy: number,
    emitted: number,
    scores: Scores,
    priceMs: Float64Array,
    tokensPerMs: number,
  ): void {
    if (this.#count === this.#capacity) this.#settle(priceMs, tokensPerMs);
    this.#push(drafted, policy, emitted);
    this.#score(scores);
    while (this.#decided()) this.#settle(priceMs, tokensPerMs);
    this.#choose(1 / tokensPerMs);
  }

  /** What forwards cost is something else than was thought: who lost by the old prices may win by the new ones. */
  reset(): void {
    this.#loss.fill(0);
    this.#leader = 0;
  }

  #push(drafted: number, policy: number, emitted: number): void {
    const slot = (this.#first + this.#count) % this.#capacity;
    this.#drafted[slot] = Math.min(drafted, this.#arms - 1);
    this.#policy[slot] = Math.min(policy, this.#arms);
    this.#emitted[slot] = emitted;
    this.#right[slot] = 0;
    this.#known[slot] = 0;
    this.#open[slot] = 1;
    this.#count++;
    for (let i = 0; i < this.#count; i++) {
      this.#known[(this.#first + i) % this.#capacity]! += emitted;
    }
  }

  #score({ age, accepted, length }: Scores): void {
    for (let i = 0; i < length; i++) {
      const back = this.#count - 1 - age[i]!;
      // A draft older than what is kept was settled without its last tokens.
      if (back < 0) continue;
      const slot = (this.#first + back) % this.#capacity;
      if (accepted[i] === 1) this.#right[slot]!++;
      else this.#open[slot] = 0;
    }
    for (let i = 0; i < this.#count; i++) {
      const slot = (this.#first + i) % this.#capacity;
      const right = this.#right[slot]!;
      // Right to its end, or no longer followed: what is known of it is all that will be.
      if (right >= this.#drafted[slot]! || right < this.#known[slot]!) this.#open[slot] = 0;
    }
  }

  /** The oldest step can be settled: its draft is decided, and the one after it where that tells how it would have gone on. */
  #decided(): boolean {
    if (this.#count === 0 || this.#open[this.#first] === 1) return false;
    if (!this.#rightToItsEnd(this.#first)) return true;
    return this.#count > 1 && this.#open[(this.#first + 1) % this.#capacity] === 0;
  }

  #rightToItsEnd(slot: number): boolean {
    return this.#drafted[slot]! > 0 && this.#right[slot]! >= this.#drafted[slot]!;
  }

  /** Takes the oldest step from the ring and moves every trajectory to the end of its text. */
  #settle(priceMs: Float64Array, tokensPerMs: number): void {
    const slot = this.#first;
    const emitted = this.#emitted[slot]!;
    const widest = this.#drafted[slot]! + 1;
    let right = Math.max(this.#right[slot]!, emitted - 1);
    // A fresh draft from inside this one would have reached into the next step's, and been as right there.
    if (this.#count > 1 && this.#rightToItsEnd(slot)) {
      right = Math.max(right, emitted + this.#right[(slot + 1) % this.#capacity]!);
    }
    const tokenMs = 1 / tokensPerMs;
    for (let arm = 0; arm <= this.#arms; arm++) {
      const width = Math.min(arm === 0 ? this.#policy[slot]! : arm, widest);
      const ms = priceMs[width - 1]!;
      let at = this.#ahead[arm]!;
      let loss = this.#loss[arm]! * (1 - FORGET);
      while (at < emitted) {
        const gain = Math.min(width, right - at + 1);
        loss += ms - gain * tokenMs;
        at += gain;
      }
      this.#loss[arm] = loss;
      this.#ahead[arm] = at - emitted;
    }
    this.#first = (slot + 1) % this.#capacity;
    this.#count--;
  }

  #choose(tokenMs: number): void {
    let best = 1;
    for (let n = 2; n <= this.#arms; n++) if (this.#loss[n]! < this.#loss[best]!) best = n;
    const behind = (this.#loss[0]! - this.#loss[best]!) / tokenMs;
    this.#leader = behind > (this.#leader > 0 ? RETURN_TOKENS : MARGIN_TOKENS) ? best : 0;
  }
}
