import { type AtHand, LoopSteps, type Plan, type Scheduler } from "@nearfree/core";
import type { InferenceSession, OnnxValue } from "onnxruntime-common";
import type { RunnableSession } from "../runner/decoder-pass.ts";
import { detachedFeed } from "../runner/detached-feed.ts";
import { HAS_FLOAT16_ARRAY, shownAsBits } from "../runner/half-bits.ts";
import type { ForwardShape } from "./forward-shape.ts";
import type { RowLimits } from "./row-limits.ts";
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
  readonly #limits: RowLimits;
  readonly #steps: LoopSteps;
  readonly #minRows: number;
  readonly #maxRows: number;
  readonly #contextLimit: number;
  #contextLength = 0;
  #planned = false; // Whether a plan waits for its forward.
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
    limits: RowLimits,
    scheduler: Scheduler,
    contextLimit = Number.POSITIVE_INFINITY,
  ) {
    this.#run = (session.run as (...args: RunArguments) => ReturnType<RunnableSession["run"]>).bind(session);
    this.#shape = shape;
    this.#meter = meter;
    this.#limits = limits;
    this.#steps = new LoopSteps(scheduler);
    this.#minRows = scheduler.minRows;
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
    return Math.min(this.#steps.draftLimit(), this.#limits.room(this.#contextLength) - 1);
  }

  plan(atHand: AtHand): Plan {
    this.#forwards = 0; // What ran before was not planned.
    this.#planned = true;
    const limit = this.#contextLimit - this.#contextLength;
    const room = this.#limits.room(this.#contextLength);
    if (room >= this.#minRows) return this.#steps.plan(atHand, this.#contextLength, Math.min(limit, room));
    // Even padding would be a row too many: what the scheduler pads to is for a forward that it does not get.
    const plan = this.#steps.plan({ ...atHand, limit: 1 }, this.#contextLength, Math.max(limit, this.#minRows));
    return { ...plan, positions: 1, rows: 1, reason: this.#limits.single ? "unsupported" : "limit" };
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
    const given = HAS_FLOAT16_ARRAY ? (args.map(asBits) as RunArguments) : args;
    const meter = this.#meter;
    const begun = meter.begin();
    const startMs = meter.now();
    let results: InferenceSession.ReturnType;
    try {
      results = await this.#run(...given);
    } catch (error) {
      meter.end(begun);
      throw detachedFeed(args[0], error) ?? error;
    }
    const endMs = meter.now();
    const ms = meter.end(begun) ? endMs - startMs : 0;
    if (rows > 0) this.#note(args[0], results, rows, ms, endMs);
    return results;
  }

  #note(feeds: RunArguments[0], results: InferenceSession.ReturnType, rows: number, ms: number, endMs: number): void {
    const planned = this.#planned && rows === this.#steps.rows;
    this.#planned = false;
    const seen = this.#shape.read(feeds, results, rows, planned);
    if ("unclear" in seen) {
      this.#limits.allowOne(`the session cannot be followed: ${seen.unclear}`);
      return;
    }
    const { past } = seen;
    const logitRows = this.#shape.logitRows(results) ?? rows;
    if (planned && logitRows < rows) this.#limits.allowOne(`logits of ${logitRows} rows came of a forward of ${rows}`);
    // A dummy position before the text looks like a past of one.
    const begins = past === 0 || (past === 1 && this.#contextLength !== 1);
    this.#contextLength = past + rows;
    if (begins) this.#steps.reset();
    if (begins || rows > this.#maxRows) return;
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

/** Feeds or fetches with float16 tensors as ONNX Runtime takes them; names and options pass as they are. */
function asBits(values: RunArguments[number]): RunArguments[number] {
  if (typeof values !== "object" || values === null || Array.isArray(values)) return values;
  const entries = Object.entries(values as Record<string, OnnxValue>);
  return Object.fromEntries(entries.map(([name, value]) => [name, shownAsBits(value)]));
}
