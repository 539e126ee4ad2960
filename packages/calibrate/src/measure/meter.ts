import type { Clock, Stop } from "@nearfree/core";
import type { Probe } from "@nearfree/core/measure";

/** What a cell may cost. */
export interface Budget {
  /** Forwards; a group timed together counts once. */
  readonly forwards: number;
  readonly ms: number;
}

/** Time after which rows are no longer compared, over the budget's. */
const COMPARING_SHARE = 1.5;

/** Ends a measurement from inside a timing: the budget is spent, or the caller gave up. What was measured stays. */
export class MeasuringStopped extends Error {
  readonly stop: Stop;

  constructor(stop: Stop) {
    super(`measuring stopped: ${stop}`);
    this.stop = stop;
  }
}

/** Times in a row that are not above zero before the clock is given up. */
const CLOCK_TRIES = 3;

/** The only place where forwards are run and time is read. Every timing is counted, and may end the measurement. */
export class Meter {
  /** Forwards run, and those of them that count against the budget (equal unless forwards are grouped). */
  forwards = 0;
  timings = 0;
  /** Forwards run to compare rows, apart from the budget. */
  compared = 0;
  /** Forwards timed together: more than one where the clock is coarse. */
  group = 1;
  /**
   * Whether the clock can tell how long a group takes. Then a time that is not above zero is the clock's fault (it was set back), and
   * taken again.
   */
  trusted = false;
  readonly #probe: Probe;
  readonly #clock: Clock;
  readonly #budget: Budget;
  readonly #signal: AbortSignal | undefined;
  readonly #startMs: number;

  constructor(probe: Probe, clock: Clock, budget: Budget, signal: AbortSignal | undefined) {
    this.#probe = probe;
    this.#clock = clock;
    this.#budget = budget;
    this.#signal = signal;
    this.#startMs = clock();
  }

  /** Never below zero, wherever the clock goes. */
  get elapsedMs(): number {
    return Math.max(0, this.#clock() - this.#startMs);
  }

  /** Share of the budget that is spent: of the forwards or of the time, whichever is larger. */
  get spent(): number {
    return Math.max(this.timings / this.#budget.forwards, this.elapsedMs / this.#budget.ms);
  }

  /** Forwards after which the budget ends the measurement. */
  get forwardLimit(): number {
    return this.forwards + (this.#budget.forwards - this.timings) * this.group;
  }

  /** Runs `forwards` of them for their logits: they count like any other. @throws MeasuringStopped before running anything. */
  async untimed<T>(forwards: number, run: () => Promise<T>): Promise<T> {
    this.#check();
    this.forwards += forwards;
    this.timings += forwards;
    return run();
  }

  /**
   * Runs `forwards` of them for their logits, apart from the budget: they may run when it is spent.
   * @throws MeasuringStopped for an abort, or once the measurement takes half as much time again as its budget has.
   */
  async apart<T>(forwards: number, run: () => Promise<T>): Promise<T> {
    if (this.#signal?.aborted) throw new MeasuringStopped("aborted");
    if (this.elapsedMs >= this.#budget.ms * COMPARING_SHARE) throw new MeasuringStopped("time");
    this.compared += forwards;
    return run();
  }

  /**
   * Ms of one forward of n positions: `group` of them, divided. Where forwards are grouped their `prepare` is timed too, at n = 1
   * as at any other n. Above zero once the clock is `trusted`.
   *
   * @throws MeasuringStopped before running anything; `unresolvable` for a clock that keeps going back.
   */
  async time(n: number): Promise<number> {
    for (let tries = 0; tries < CLOCK_TRIES; tries++) {
      const ms = await this.#timeOnce(n);
      if (ms > 0 || !this.trusted) return ms;
    }
    throw new MeasuringStopped("unresolvable");
  }

  async #timeOnce(n: number): Promise<number> {
    this.#check();
    this.timings++;
    await this.#probe.prepare(n);
    const start = this.#clock();
    for (let i = 0; i < this.group; i++) {
      if (i > 0) await this.#probe.prepare(n);
      await this.#probe.run(n);
    }
    const ms = this.#clock() - start;
    this.forwards += this.group;
    return ms / this.group;
  }

  #check(): void {
    if (this.#signal?.aborted) throw new MeasuringStopped("aborted");
    if (this.timings >= this.#budget.forwards) throw new MeasuringStopped("forwards");
    if (this.elapsedMs >= this.#budget.ms) throw new MeasuringStopped("time");
  }
}
