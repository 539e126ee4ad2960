import type { Clock } from "@nearfree/core";

/** Times the runs of one session, and tells which of them had it for themselves: a run that waits for another measures both. */
export class RunMeter {
  readonly #clock: Clock;
  #running = 0;
  #started = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  now(): number {
    return this.#clock();
  }

  /** Starts a run. Returns what `end` wants: negative where another is under way. */
  begin(): number {
    this.#started++;
    return this.#running++ === 0 ? this.#started : -this.#started;
  }

  /** Ends a run, whatever became of it. Whether no other ran at any moment of it. */
  end(begun: number): boolean {
    this.#running--;
    return begun === this.#started;
  }
}
