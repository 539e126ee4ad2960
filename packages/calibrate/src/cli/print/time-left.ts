import type { Clock } from "@nearfree/core";

/** Forwards whose pace counts: early ones are those of few positions, and say little of the later ones. */
const RECENT = 40;

/** What the rest of a budget of forwards and ms takes at most, from the pace of the latest forwards. */
export class TimeLeft {
  readonly #clock: Clock;
  readonly #budgetMs: number;
  readonly #startMs: number;
  /** Clock and forwards at each report, oldest first. */
  readonly #reports: { readonly ms: number; readonly forwards: number }[];

  constructor(clock: Clock, budgetMs: number) {
    this.#clock = clock;
    this.#budgetMs = budgetMs;
    this.#startMs = clock();
    this.#reports = [{ ms: this.#startMs, forwards: 0 }];
  }

  /** Ms left when `forwards` of at most `forwardLimit` are done. */
  after(forwards: number, forwardLimit: number): number {
    const ms = this.#clock();
    const reports = this.#reports;
    reports.push({ ms, forwards });
    while (reports.length > 2 && reports[1]!.forwards <= forwards - RECENT) reports.shift();
    const oldest = reports[0]!;
    const pace = (ms - oldest.ms) / Math.max(1, forwards - oldest.forwards);
    const byForwards = pace * Math.max(0, forwardLimit - forwards);
    return Math.min(byForwards, Math.max(0, this.#budgetMs - (ms - this.#startMs)));
  }
}

/** `8 s`, `1 min 20 s`: no finer than such an estimate is. */
export function durationText(ms: number): string {
  const seconds = Math.max(1, Math.round(ms / 1000));
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
