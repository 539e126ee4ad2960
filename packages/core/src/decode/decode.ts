import { throwIfAborted } from "../contracts/abort.ts";
import { DecodeState } from "./decode-state.ts";
import type { DecodeOptions } from "./options.ts";
import type { DecodeStats, FinishReason } from "./stats.ts";

/**
 * Greedy decoding, as many positions in a forward as the scheduler plans. Yields token ids; returns the totals.
 *
 * The tokens are those of the loop that runs one position at a time (with a bitwise scheduler, those of any schedule of its
 * invariance class). However it ends, by break, abort or failure, the KV cache then holds the prompt and the yielded tokens but
 * for the very last token, whose forward would be the next one. To go on, decode again with the longer prompt.
 *
 * Where the runner runs one row at a time (`rowsAtOnce` 1), every plan is one position, its reason `unsupported`; the scheduler is not asked.
 *
 * @throws NearfreeError at once: `invalid-argument` for an option outside its range, `context-exceeded` for a prompt that
 *   leaves no room for a token. From the generator: `aborted` between forwards, `run-failed` for logits without a number, and
 *   whatever runner, drafter or callbacks throw.
 */
export function decode(options: DecodeOptions): AsyncGenerator<number, DecodeStats, void> {
  return run(new DecodeState(options), options);
}

async function* run(state: DecodeState, options: DecodeOptions): AsyncGenerator<number, DecodeStats, void> {
  const { runner, signal, stop } = options;
  const { scheduler } = state;
  try {
    throwIfAborted(signal, "decode");
    await state.prefill();
    while (state.wanted > 0) {
      throwIfAborted(signal, "decode");
      const drafting = state.draft();
      if (drafting !== undefined) await drafting;
      const plan = scheduler.plan(state.request);
      const logits = await runner.forward(state.input(plan));
      state.settle(plan, logits);
      scheduler.observe(state.outcome);
      for (let i = 0; i < state.outcome.emitted; i++) {
        const token = state.emitted[i]!;
        if (state.endsText(token)) return state.end("eos");
        const last = stop?.(token) === true;
        state.count(i);
        yield token;
        if (last) return state.end("stop");
      }
    }
    return state.end(state.contextBound ? "context" : "length");
  } catch (error) {
    endAfterFailure(state, signal?.aborted === true ? "aborted" : "failed");
    throw error;
  } finally {
    // A consumer that leaves early resumes at the yield with a return: only this block runs.
    state.end("returned");
  }
}

/** What broke the decode is what its caller hears of, not that a broken runner cannot be rewound either. */
function endAfterFailure(state: DecodeState, finish: FinishReason): void {
  try {
    state.end(finish);
  } catch {}
}

/** Runs a decode to its end and collects its tokens. @throws what `decode` throws. */
export async function decodeAll(options: DecodeOptions): Promise<{ tokens: number[]; stats: DecodeStats }> {
  const tokens: number[] = [];
  const generator = decode(options);
  for (;;) {
    const next = await generator.next();
    if (next.done === true) return { tokens, stats: next.value };
    tokens.push(next.value);
  }
}
