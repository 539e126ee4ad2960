import type { Player, Result, Turn } from "../player.ts";
import { MOST_DRAFTED, type RivalSetup } from "./rival.ts";

/** Steps between two fits, verdicts that a fit is made from, and its Newton steps. */
const REFIT_STEPS = 100;
const SAMPLES = 2048;
const NEWTON_STEPS = 8;
/** Strength of the pull towards the drafter's own word: w = 1, b = 0. */
const RIDGE = 1;
/** Log-odds are kept within this. */
const ODDS_LIMIT = 6;

/**
 * vLLM's adaptive verification (vllm-project/vllm pull requests 47808 and 52228): drafts in full, and verifies the prefix of the
 * best expected tokens over profiled cost of this very step. A token's chance is sigmoid(w * log-odds of the drafter + b),
 * fitted again every 100 steps to the verdicts since.
 */
export class VllmRule implements Player {
  readonly #setup: RivalSetup;
  // Ring of verdicts: log-odds that the drafter gave, and whether the token stood
  readonly #odds = new Float64Array(SAMPLES);
  readonly #stood = new Uint8Array(SAMPLES);
  #verdicts = 0;
  #steps = 0;
  #weight = 1;
  #bias = 0;
  #confidence: Float32Array = new Float32Array(0);

  constructor(setup: RivalSetup) {
    this.#setup = setup;
  }

  begin(): void {}

  draftLimit(): number {
    return MOST_DRAFTED;
  }

  choose({ draft, drafted, contextLength }: Turn): number {
    const { curve, draftMs } = this.#setup;
    curve.moveTo(contextLength);
    this.#confidence = draft.confidence;
    let [tokens, survival, best] = [1, 1, 1];
    let bestRate = 1 / (curve.costMs[0]! + draftMs);
    const most = Math.min(1 + drafted, curve.costMs.length);
    for (let n = 2; n <= most; n++) {
      survival *= sigmoid(this.#weight * logOdds(draft.confidence[n - 2]!) + this.#bias);
      tokens += survival;
      const rate = tokens / (curve.costMs[n - 1]! + draftMs);
      if (rate <= bestRate) continue;
      bestRate = rate;
      best = n;
    }
    return best;
  }

  observe({ positions, accepted }: Result): void {
    for (let k = 0; k < Math.min(positions - 1, accepted + 1); k++) {
      const at = this.#verdicts++ % SAMPLES;
      this.#odds[at] = logOdds(this.#confidence[k]!);
      this.#stood[at] = k < accepted ? 1 : 0;
    }
    if (++this.#steps % REFIT_STEPS === 0) this.#fit();
  }

  /** Logistic regression by Newton's method. */
  #fit(): void {
    const count = Math.min(this.#verdicts, SAMPLES);
    for (let step = 0; step < NEWTON_STEPS; step++) {
      let [gw, gb] = [RIDGE * (1 - this.#weight), -RIDGE * this.#bias];
      let [hww, hwb, hbb] = [RIDGE, 0, RIDGE];
      for (let i = 0; i < count; i++) {
        const x = this.#odds[i]!;
        const p = sigmoid(this.#weight * x + this.#bias);
        const rest = this.#stood[i]! - p;
        const curvature = p * (1 - p);
        gw += rest * x;
        gb += rest;
        hww += curvature * x * x;
        hwb += curvature * x;
        hbb += curvature;
      }
      const determinant = hww * hbb - hwb * hwb;
      this.#weight += (hbb * gw - hwb * gb) / determinant;
      this.#bias += (hww * gb - hwb * gw) / determinant;
    }
  }
}

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

function logOdds(p: number): number {
  return Math.max(-ODDS_LIMIT, Math.min(ODDS_LIMIT, Math.log(p / (1 - p))));
}
