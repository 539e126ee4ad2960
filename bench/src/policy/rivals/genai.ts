import { DraftLengthRule } from "./rival.ts";

const START = 4;
const FLOOR = 1;
const CAP = 16;
/** Rounds that acceptance and throughput are judged over. */
const WINDOW = 8;
/** Acceptance from which one more is tried, and below which one less is. */
const RISE_FROM = 0.75;
const FALL_BELOW = 0.5;
/** Throughput of a trial, over that before it, from which it is kept, and below which it ends early. */
const KEEP_FROM = 0.97;
const ABORT_BELOW = 0.8;
const ABORT_AFTER = 2;
/** Rounds without an accepted token at the floor, after which one plain step follows. */
const COOL_AFTER = 3;

/**
 * onnxruntime-genai's adaptive K (microsoft/onnxruntime-genai pull request 2315): tries one more or one less by the acceptance
 * of a window, and keeps what does not cost throughput as measured.
 */
export class GenaiRule extends DraftLengthRule {
  #kept = START;
  #trial = START;
  #keptRate = 0;
  #rounds = 0;
  #drafted = 0;
  #accepted = 0;
  #tokens = 0;
  #ms = 0;
  #empty = 0;
  #cooling = false;

  length(): number {
    return this.#cooling ? 0 : this.#trial;
  }

  protected learn(drafted: number, accepted: number, ms: number): void {
    if (this.#cooling) {
      this.#cooling = false;
      this.#empty = 0;
    }
    if (drafted === 0) return;
    this.#empty = accepted === 0 && this.#trial === FLOOR ? this.#empty + 1 : 0;
    this.#cooling = this.#empty >= COOL_AFTER;
    this.#rounds++;
    this.#drafted += drafted;
    this.#accepted += accepted;
    this.#tokens += accepted + 1;
    this.#ms += ms;
    const rate = this.#tokens / this.#ms;
    if (this.#trial !== this.#kept) this.#judge(rate);
    else if (this.#rounds >= WINDOW) this.#tryNext(rate);
  }

  #judge(rate: number): void {
    const poor = this.#rounds >= ABORT_AFTER && rate < ABORT_BELOW * this.#keptRate;
    if (!poor && this.#rounds < WINDOW) return;
    if (!poor && rate >= KEEP_FROM * this.#keptRate) this.#kept = this.#trial;
    this.#restart(this.#kept);
  }

  #tryNext(rate: number): void {
    this.#keptRate = rate;
    const acceptance = this.#accepted / this.#drafted;
    const step = acceptance >= RISE_FROM ? 1 : acceptance < FALL_BELOW ? -1 : 0;
    this.#restart(Math.max(FLOOR, Math.min(CAP, this.#kept + step)));
  }

  #restart(length: number): void {
    this.#trial = length;
    this.#rounds = this.#drafted = this.#accepted = this.#tokens = this.#ms = 0;
  }
}
