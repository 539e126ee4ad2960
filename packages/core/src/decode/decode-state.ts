import type { Draft, Drafter } from "../contracts/drafter.ts";
import { createDraft } from "../contracts/drafter.ts";
import type { Plan } from "../contracts/plan.ts";
import type { Runner } from "../contracts/runner.ts";
import type { Outcome, PlanRequest, Scheduler } from "../contracts/scheduler.ts";
import { createScores } from "../contracts/scores.ts";
import { FixedScheduler } from "../schedule/fixed-scheduler.ts";
import { SHADOW_DEPTH, Shadow } from "./draft/shadow.ts";
import type { DecodeOptions, ResolvedOptions } from "./options.ts";
import { resolveOptions } from "./options.ts";
import type { DecodeStats, FinishReason } from "./stats.ts";
import { DecodeTotals } from "./stats.ts";
import { verifyGreedy } from "./verify/greedy.ts";

/** Everything that one decode keeps between its steps. Buffers are allocated once. */
export class DecodeState {
  /** Tokens of the last forward: accepted draft tokens and the one after them. */
  readonly emitted: Int32Array;
  readonly request: PlanRequest;
  readonly outcome: Outcome;
  /** Tokens that may still be yielded. */
  wanted: number;
  readonly contextBound: boolean;
  /** The caller's; where the runner cannot run several rows at once, one that plans one position and says so. */
  readonly scheduler: Scheduler;
  readonly #options: DecodeOptions;
  readonly #resolved: ResolvedOptions;
  readonly #runner: Runner;
  readonly #vocabularySize: number;
  readonly #contextLimit: number;
  readonly #mostRows: number; // Of a forward that is run at once.
  readonly #drafter: Drafter | undefined;
  readonly #draft: Draft;
  readonly #shadow: Shadow;
  readonly #stopTokens: ReadonlySet<number>;
  readonly #totals: DecodeTotals;
  // The last token, then draft tokens, then padding; #inputs[n] is a view of the first n.
  readonly #rows: Int32Array;
  readonly #inputs: Int32Array[] = [];
  #decodeStartMs: number | undefined;
  #forwardStartMs = 0;
  #stats: DecodeStats | undefined;

  constructor(options: DecodeOptions) {
    const checked = resolveOptions(options);
    const { runner, drafter } = options;
    const { contextLimit, vocabularySize, rowsAtOnce } = runner.describe();
    const alone = rowsAtOnce === 1;
    const scheduler = alone ? new FixedScheduler(1, "unsupported") : options.scheduler;
    const resolved = alone ? resolveOptions({ ...options, scheduler }) : checked;
    this.scheduler = scheduler;
    this.#mostRows = Math.max(rowsAtOnce, scheduler.minRows);
    const mostDrafted = scheduler.maxPositions - 1;
    this.#options = options;
    this.#resolved = resolved;
    this.#runner = runner;
    this.#vocabularySize = vocabularySize;
    this.#contextLimit = contextLimit;
    this.#drafter = mostDrafted > 0 ? drafter : undefined;
    this.#draft = createDraft(mostDrafted);
    this.#shadow = new Shadow(Math.min(mostDrafted, SHADOW_DEPTH));
    this.#stopTokens = new Set(options.stopTokens);
    this.#totals = new DecodeTotals(resolved.mostTokens);
    this.#rows = new Int32Array(scheduler.maxRows);
    this.#rows[0] = resolved.prompt.at(-1)!;
    this.wanted = resolved.mostTokens;
    this.contextBound = resolved.contextBound;
    this.emitted = new Int32Array(scheduler.maxPositions);
    this.request = { drafted: 0, confidence: this.#draft.confidence, positionLimit: 1, rowLimit: 1, contextLength: 0 };
    this.outcome = {
      emitted: 0,
      forwardMs: 0,
      draftMs: 0,
      restMs: 0,
      scores: this.#drafter ? this.#shadow.scores : createScores(0),
    };
  }

  /** Runs all of the prompt but its last token: the same forwards whatever the schedule, and whatever is wanted of it. */
  async prefill(): Promise<void> {
    const { prompt, cached, clock } = this.#resolved;
    const startMs = clock();
    this.#runner.rewind(cached);
    const rest = prompt.subarray(cached, prompt.length - 1);
    if (rest.length > 0) await this.#runner.forward(rest, 1);
    this.#drafter?.reset(prompt);
    this.#decodeStartMs = clock();
    this.#totals.prefillMs = this.#decodeStartMs - startMs;
  }

  /** Gets a draft, where one is worth asking for, and describes the step to the scheduler. */
  draft(): Promise<void> | undefined {
    const { request } = this;
    // Wanted tokens fit into the context behind a forward of the fewest rows: so do as many positions.
    request.positionLimit = this.wanted;
    request.contextLength = this.#runner.length;
    request.rowLimit = Math.min(this.#contextLimit - this.#runner.length, this.#mostRows);
    request.drafted = this.#draft.length = 0;
    this.outcome.draftMs = 0;
    const most = Math.min(this.scheduler.draftLimit(), this.wanted - 1);
    if (this.#drafter === undefined || most < 1) return undefined;
    const startMs = this.#resolved.clock();
    const pending = this.#drafter.propose(most, this.#draft);
    if (pending === undefined) return this.#drafted(most, startMs);
    return pending.then(() => this.#drafted(most, startMs));
  }

  #drafted(most: number, startMs: number): undefined {
    const draft = this.#draft;
    draft.length = Math.min(draft.length, most);
    // A drafter with a larger vocabulary than the model's must not break the forward.
    for (let k = 0; k < draft.length; k++) if (!(draft.tokens[k]! >>> 0 < this.#vocabularySize)) draft.length = k;
    this.request.drafted = draft.length;
    this.outcome.draftMs = this.#resolved.clock() - startMs;
  }

  /** Tokens of the next forward. Padded rows repeat the last token; they come last, so no other row sees them. */
  input(plan: Plan): Int32Array {
    const rows = this.#rows;
    for (let k = 1; k < plan.positions; k++) rows[k] = this.#draft.tokens[k - 1]!;
    for (let k = plan.positions; k < plan.rows; k++) rows[k] = rows[k - 1]!;
    this.#inputs[plan.rows] ??= rows.subarray(0, plan.rows);
    this.#forwardStartMs = this.#resolved.clock();
    return this.#inputs[plan.rows]!;
  }

  /** Verifies the forward, forgets what did not stand, and prepares `outcome`. */
  settle(plan: Plan, logits: Float32Array): void {
    const { clock } = this.#resolved;
    const { outcome, emitted } = this;
    const forwardEndMs = clock();
    const stood = verifyGreedy(logits, this.#vocabularySize, this.#draft.tokens, plan.positions - 1, emitted);
    const count = this.#untilEnd(stood + 1);
    const accepted = count - 1;
    outcome.emitted = count;
    this.#runner.rewind(this.request.contextLength + count);
    this.#rows[0] = emitted[accepted]!;
    if (this.#drafter !== undefined) {
      this.#shadow.record(this.#draft);
      this.#shadow.settle(emitted, count);
      this.#drafter.learn(emitted, count);
    }
    outcome.forwardMs = forwardEndMs - this.#forwardStartMs;
    this.#totals.add(plan, outcome);
    this.#options.onStep?.({ plan, drafted: this.#draft.length, accepted, forwardMs: outcome.forwardMs });
    outcome.restMs = clock() - forwardEndMs;
  }

  /** Those of the first `count` emitted tokens that are text, and the one that ends it: what a model says behind its end is nothing. */
  #untilEnd(count: number): number {
    for (let i = 0; i < count; i++) if (this.#stopTokens.has(this.emitted[i]!)) return i + 1;
    return count;
  }

  endsText(token: number): boolean {
    return this.#stopTokens.has(token);
  }

  /** Token `index` of the last forward's is about to be yielded: a draft token, but for the very last. */
  count(index: number): void {
    this.wanted--;
    this.#totals.tokens++;
    if (index < this.outcome.emitted - 1) this.#totals.accepted++;
  }

  /** Ends the decode, once: leaves the yielded text in the cache, tells the caller, and gives the totals. */
  end(finish: FinishReason): DecodeStats {
    if (this.#stats !== undefined) return this.#stats;
    const { prompt, clock } = this.#resolved;
    const decodeMs = this.#decodeStartMs === undefined ? 0 : clock() - this.#decodeStartMs;
    this.#stats = this.#totals.finish(finish, decodeMs);
    const text = prompt.length - 1 + this.#stats.tokens;
    try {
      if (this.#runner.length > text) this.#runner.rewind(text);
    } finally {
      this.#options.onFinish?.(this.#stats);
    }
    return this.#stats;
  }
}
