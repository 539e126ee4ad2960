import { type Clock, createScheduler, NearfreeError, type Scheduler } from "@nearfree/core";
import type { RowTraits } from "../onnx/graph/rows/row-traits.ts";
import { requireOptions } from "../require-options.ts";
import type { RunnableSession } from "../runner/decoder-pass.ts";
import type { IoTemplates } from "../runner/io-templates.ts";
import { DEFAULT_IO_TEMPLATES } from "../runner/io-templates.ts";
import { ForwardShape } from "./forward-shape.ts";
import { RowLimits } from "./row-limits.ts";
import { RunMeter } from "./run-meter.ts";
import { SequenceHook, type SessionHook } from "./sequence-hook.ts";
import { type NamedSession, tellingValues } from "./telling-values.ts";

export interface WrapSessionOptions {
  /** Chooses the positions. Default `createScheduler()`, which has no profile. */
  readonly scheduler?: Scheduler | undefined;
  /** Most positions that the model was made for. Default: nothing is ever planned shorter for want of room. */
  readonly contextLimit?: number | undefined;
  /** Names where they are not those of transformers.js, optimum and onnxruntime-genai. */
  readonly ioNames?: Partial<IoTemplates> | undefined;
  /**
   * What the model's graph says of the rows of a forward: no plan crosses a wall (what reads a prompt
   * in is the loop's own, and must not either), and rows that depend on each other are run singly.
   */
  readonly traits?: Partial<RowTraits> | undefined;
  /** Told once, in one line, why no more than one position is planned: a session that cannot be followed, rows that depend on each other. */
  readonly onWarning?: ((message: string) => void) | undefined;
  /** Monotonic, in ms. Default `performance.now`. */
  readonly clock?: Clock | undefined;
}

/** A session with everything that it had, and the hook of one sequence beside it. */
export type WrappedSession<Session> = Session &
  SessionHook & {
    /**
     * The same session for another sequence at the same time: its own drafts and plans; runs that overlap are known by all
     * of them. Give it a scheduler of its own unless each step, from plan() to observe(), ends before another begins.
     */
    sequence(scheduler: Scheduler): WrappedSession<Session>;
  };

/**
 * The hook for those who keep their own loop: the session as it is, with `plan()` and `observe()`.
 *
 * `run` takes and returns what the session's own does, errors too. On the way it recognises the decode forwards of one
 * sequence by the shapes of what goes in and comes out (few rows on a KV cache that is not empty) and times them, readback included. A
 * forward on an empty KV cache begins another sequence. Several sequences in one forward pass through and teach nothing. Where the
 * shapes do not tell how long the cache is, one position is planned from then on.
 *
 * float16 tensors go to ONNX Runtime as their bits, which it cannot take otherwise on Node 24; the caller's stay as they are. A feed
 * whose buffer is detached fails as `run-failed`, by name.
 *
 * @throws NearfreeError `unsupported-model` for a session without tokens or KV cache among its inputs, with state that does not rewind
 *   by length, or a head pruned to the last position; `invalid-argument` for something else than a session, or a contextLimit out of
 *   range.
 */
export function wrapSession<Session extends RunnableSession & NamedSession>(
  session: Session,
  {
    scheduler = createScheduler(),
    contextLimit,
    ioNames,
    traits = {},
    onWarning,
    clock = () => performance.now(),
  }: WrapSessionOptions = {},
): WrappedSession<Session> {
  requireOptions({ session });
  if (contextLimit !== undefined && !(Number.isSafeInteger(contextLimit) && contextLimit >= 1)) {
    throw new NearfreeError({
      code: "invalid-argument",
      from: "ort-adapter",
      what: "contextLimit",
      expected: "an integer of at least 1",
      received: String(contextLimit),
      remedy: "leave it out, or take max_position_embeddings of the model's config",
    });
  }
  const shape = new ForwardShape(tellingValues(session, { ...DEFAULT_IO_TEMPLATES, ...ioNames }));
  const limits = new RowLimits(traits, onWarning);
  const meter = new RunMeter(clock);
  const sequence = (own: Scheduler): WrappedSession<Session> =>
    overlay(session, { ...new SequenceHook(session, shape, meter, limits, own, contextLimit).members(), sequence });
  return sequence(scheduler);
}

/** `session` with `members` in front: all else is read from it, written to it, and called on it. */
function overlay<Session extends object, Members extends object>(
  session: Session,
  members: Members,
): Session & Members {
  const owned = new Map<PropertyKey, unknown>(Object.entries(members));
  // The target is an heir, not the session: a frozen session would not let its proxy answer otherwise.
  return new Proxy(Object.create(session) as Session & Members, {
    get(_heir, key) {
      if (owned.has(key)) return owned.get(key);
      const value: unknown = Reflect.get(session, key, session);
      return typeof value === "function" && key !== "constructor" ? value.bind(session) : value;
    },
    set: (_heir, key, value) => Reflect.set(session, key, value, session),
    has: (_heir, key) => owned.has(key) || key in session,
  });
}
