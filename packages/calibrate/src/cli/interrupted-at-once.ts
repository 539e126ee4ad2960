import { NearfreeError } from "@nearfree/core";

/** The error of a command that was interrupted before it had begun. Apart from what catches interrupts: it is seldom needed. */
export function interruptedAtOnce({ reason }: AbortSignal): NearfreeError {
  return new NearfreeError({
    code: "aborted",
    from: "calibrate",
    what: "nearfree",
    expected: "to run to its end",
    received: String(reason),
    remedy: "nothing was begun, start again",
  });
}
