import { NearfreeError } from "./errors.ts";

/** What is used of an AbortSignal, so that core needs no DOM types. */
export interface AbortSignalLike {
  readonly aborted: boolean;
  readonly reason?: unknown;
}

/** @throws NearfreeError `aborted`, the signal's reason as its cause, once the signal has fired. */
export function throwIfAborted(signal: AbortSignalLike | undefined, what: string): void {
  if (signal?.aborted !== true) return;
  throw new NearfreeError({
    code: "aborted",
    from: "core",
    what,
    expected: "to run to its end",
    received: "an abort from the caller's signal",
    remedy: "what was yielded before stands",
    cause: signal.reason,
  });
}
