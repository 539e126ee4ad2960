import { type AtHand, LoopSteps, type Plan, type Scheduler } from "@nearfree/core";
import type { InferenceSession } from "onnxruntime-common";
import type { RunnableSession } from "../runner/decoder-pass.ts";
import type { ForwardShape } from "./forward-shape.ts";
import type { RunMeter } from "./run-meter.ts";

/** What a wrapped session adds: a step is plan(), run(), observe(). */
export interface SessionHook {
  /** Draft tokens worth asking for now. 0: do not draft. */
  draftLimit(): number;
  /**
   * Decides the next forward: run `rows` rows, of which the first `positions` count. Rows behind them are padding, better than
   * none where they cost less or a bit-identical kernel needs them; drop them from the KV cache with the draft tokens that did not stand.
   * Synchronous; the plan is reused by the next call.
   * @throws NearfreeError `invalid-argument`; `context-exceeded` where the context has no room for another forward.
   */
  plan(atHand: AtHand): Readonly<Plan>;
  /**
   * Learns from the forward that the last plan led to. `emitted`: the tokens that came out of it, accepted draft tokens and the
   * one behind them. Their number alone will do where a step has no draft tokens (the rows that a diffusion step committed).
   * @throws NearfreeError `invalid-argument`
   */
  observe(emitted: ArrayLike<number> | number): void;
}

/** Follows one sequence through a session: measures its decode forwards and keeps its context length. */
export class SequenceHook implements SessionHook {
  readonly #run: (...args: RunArguments) => ReturnType<RunnableSession["run"]>;
  readonly #shape: ForwardShape;
  readonly #meter: RunMeter;
  readonly #steps: LoopSteps;
  readonly #maxRows: number;
  readonly #contextLimit: number;
  #contextLength = 0;
  // The decode forwards since the last observe(): how many, and of the last one rows, past, ms (0: not alone), and its end.
  #forwards = 0;
  #rows = 0;
  #past = 0;
  #ms = 0;
  #endMs = 0;

  constructor(
    session: RunnableSession,
    shape: ForwardShape,
    meter: RunMeter,
    scheduler: Scheduler,
    contextLimit = Number.POSITIVE_INFINITY,
  ) {
    this.#run = (session.run as (...args: RunArguments) => ReturnType<RunnableSession["run"]>).bind(session);
    this.#shape = shape;
    this.#meter = meter;
    this.#steps = new LoopSteps(scheduler);
    this.#maxRows = scheduler.maxRows;
    this.#contextLimit = contextLimit;
  }

  /** Its methods as functions that need no `this`. */
  members(): SessionHook & RunnableSession {
    return {
      run: ((...args: RunArguments) => this.run(args)) as RunnableSession["run"],
      draftLimit: () => this.draftLimit(),
      plan: (atHand) => this.plan(atHand),
      observe: (emitted) => this.observe(emitted),
    };
  }

  draftLimit(): number {
    return this.#steps.draftLimit();
  }

  plan(atHand: AtHand): Plan {
    this.#forwards = 0; // What ran before was not planned.
    return this.#steps.plan(atHand, this.#contextLength, this.#contextLimit - this.#contextLength);
  }

  observe(emitted: ArrayLike<number> | number): void {
    const measured = this.#forwards === 1 && this.#rows === this.#steps.rows;
    const restMs = this.#forwards > 0 ? this.#meter.now() - this.#endMs : 0;
    this.#steps.observe(emitted, measured ? this.#ms : 0, restMs);
    // What the next forward is likely to find: its own feeds will tell.
    if (this.#forwards > 0 && typeof emitted !== "number") this.#contextLength = this.#past + emitted.length;
    this.#forwards = 0;
  }

  async run(args: RunArguments): Promise<InferenceSession.ReturnType> {
    const rows = this.#shape.rows(args[0]);
    const past = this.#shape.past(args[0], rows);
    const meter = this.#meter;
    const begun = meter.begin();
    const startMs = meter.now();
    let results: InferenceSession.ReturnType;
    try {
      results = await this.#run(...args);
    } catch (error) {
      meter.end(begun);
      throw error;
    }
    const endMs = meter.now();
    const ms = meter.end(begun) ? endMs - startMs : 0;
    if (rows > 0) this.#note(rows, past, ms, endMs);
    return results;
  }

  #note(rows: number, past: number, ms: number, endMs: number): void {
    this.#contextLength = past + rows;
    if (past === 0) this.#steps.reset();
    if (past === 0 || rows > this.#maxRows) return;
    this.#forwards++;
    this.#rows = rows;
    this.#past = past;
    this.#ms = ms;
    this.#endMs = endMs;
  }
}

type RunArguments = [
  feeds: InferenceSession.FeedsType,
  fetchesOrOptions?: InferenceSession.FetchesType | InferenceSession.RunOptions,
  options?: InferenceSession.RunOptions,
];
