import { NearfreeError } from "../../contracts/errors.ts";
import type { Policy } from "./policy.ts";

/** Always `positions`. @throws NearfreeError `invalid-argument` unless positions is an integer >= 1. */
export function fixed(positions: number): Policy {
  if (!Number.isSafeInteger(positions) || positions < 1) {
    throw new NearfreeError({
      code: "invalid-argument",
      from: "core",
      what: "positions of the fixed policy",
      expected: "an integer of at least 1",
      received: String(positions),
      remedy: "pass { policy: 'fixed', positions: n }",
    });
  }
  return { reason: "fixed", most: () => positions, choose: () => positions };
}
