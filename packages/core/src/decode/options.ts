import type { AbortSignalLike } from "../contracts/abort.ts";
import type { Drafter } from "../contracts/drafter.ts";
import type { NearfreeErrorCode } from "../contracts/errors.ts";
import { NearfreeError } from "../contracts/errors.ts";
import type { Clock } from "../contracts/probe.ts";
import type { Runner } from "../contracts/runner.ts";
import type { Scheduler } from "../contracts/scheduler.ts";
import type { DecodeStats, StepReport } from "./stats.ts";

export interface DecodeOptions {
  /** The decode has it for itself until it ends, and leaves the text in its KV cache. */
  readonly runner: Runner;
  readonly scheduler: Scheduler;
  /** Without one: one position at a time. */
  readonly drafter?: Drafter | undefined;
  /** Token ids, at least one. */
  readonly prompt: ArrayLike<number>;
  /** Default: as many as the context holds. 0 runs the prompt, so that the KV cache holds all of it but its last token, and no more. */
  readonly maxNewTokens?: number | undefined;
  /** Ids that end the text. They are not yielded. */
  readonly stopTokens?: Iterable<number> | undefined;
  /** Called with each token before it is yielded; true makes it the last one. */
  readonly stop?: ((token: number) => boolean) | undefined;
  /** Looked at between forwards. */
  readonly signal?: AbortSignalLike | undefined;
  /** Default `performance.now`. */
  readonly clock?: Clock | undefined;
  /**
   * Leading prompt tokens that the runner's KV cache already holds, by the caller's word. Default 0: nothing is reused.
   * The prefill is then another forward, so a bitwise run repeats only with the same `cached`.
   */
  readonly cached?: number | undefined;
  /** Called after each forward. */
  readonly onStep?: ((step: StepReport) => void) | undefined;
  /** Called once, whichever way the decode ends. */
  readonly onFinish?: ((stats: DecodeStats) => void) | undefined;
}

/** Options checked and made definite. */
export interface ResolvedOptions {
  readonly prompt: Int32Array;
  /** Tokens to yield at most: wanted, and fitting into the context. */
  readonly mostTokens: number;
  /** Whether the context, not the caller, sets `mostTokens`. */
  readonly contextBound: boolean;
  readonly cached: number;
  readonly clock: Clock;
}

// Core has no DOM types; every runtime it meets has this clock.
declare const performance: { now(): number };
const defaultClock: Clock = () => performance.now();

/** @throws NearfreeError `invalid-argument` or `context-exceeded`, before anything was run. */
export function resolveOptions(options: DecodeOptions): ResolvedOptions {
  const { runner, scheduler, maxNewTokens } = options ?? {};
  if (typeof runner?.forward !== "function") {
    fail("invalid-argument", "runner", "a Runner", typeof runner, "pass what createSessionRunner or openModel gives");
  }
  if (typeof scheduler?.plan !== "function") {
    fail("invalid-argument", "scheduler", "a Scheduler", typeof scheduler, "pass what createScheduler gives");
  }
  const { contextLimit, vocabularySize } = runner.describe();
  const prompt = checkedPrompt(options.prompt, vocabularySize);
  // A forward of the fewest rows has to fit behind every token: so the end does not depend on the schedule.
  const room = contextLimit - (scheduler.minRows - 1) - (prompt.length - 1);
  if (room < 1) {
    const expected = `at most ${contextLimit - scheduler.minRows + 1} tokens`;
    fail("context-exceeded", "prompt", expected, `${prompt.length}`, "shorten the prompt");
  }
  if (maxNewTokens !== undefined && !(Number.isSafeInteger(maxNewTokens) && maxNewTokens >= 0)) {
    fail(
      "invalid-argument",
      "maxNewTokens",
      "an integer of at least 0",
      `${maxNewTokens}`,
      "leave it out to fill the context",
    );
  }
  const cached = options.cached ?? 0;
  const mostCached = Math.min(runner.length, prompt.length - 1);
  if (!(Number.isSafeInteger(cached) && cached >= 0 && cached <= mostCached)) {
    fail(
      "invalid-argument",
      "cached",
      `an integer from 0 to ${mostCached}`,
      `${cached}`,
      "leave it out to run the whole prompt",
    );
  }
  return {
    prompt,
    mostTokens: Math.min(maxNewTokens ?? room, room),
    contextBound: maxNewTokens === undefined || maxNewTokens > room,
    cached,
    clock: options.clock ?? defaultClock,
  };
}

function checkedPrompt(prompt: ArrayLike<number>, vocabularySize: number): Int32Array {
  if (!(prompt?.length > 0))
    fail("invalid-argument", "prompt", "at least one token", "none", "start with the model's BOS token");
  for (let i = 0; i < prompt.length; i++) {
    const token = prompt[i]!;
    if (Number.isSafeInteger(token) && token >= 0 && token < vocabularySize) continue;
    const expected = `ids from 0 to ${vocabularySize - 1}`;
    fail("invalid-argument", "prompt", expected, `${token} at ${i}`, "use the tokenizer that belongs to the model");
  }
  return Int32Array.from(prompt);
}

function fail(code: NearfreeErrorCode, what: string, expected: string, received: string, remedy: string): never {
  throw new NearfreeError({ code, from: "core", what, expected, received, remedy });
}
