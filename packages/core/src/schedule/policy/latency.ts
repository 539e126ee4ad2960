import { NearfreeError } from "../../contracts/errors.ts";
import type { Policy } from "./policy.ts";

/**
 * The most positions whose step stays within `latencyMs`; one where even that does not.
 * @throws NearfreeError `invalid-argument` unless latencyMs is a number above 0.
 */
export function latency(latencyMs: number): Policy {
  if (!(latencyMs > 0)) {
    throw new NearfreeError({
      code: "invalid-argument",
      from: "core",
      what: "latencyMs of the latency policy",
      expected: "a number above 0",
      received: String(latencyMs),
      remedy: "pass { policy: 'latency', latencyMs: ms }",
    });
  }
  return {
    reason: "latency",
    choose({ curve, priceMs }) {
      let n = curve.maxPositions;
      while (n > 1 && priceMs[n - 1]! > latencyMs) n--;
      return n;
    },
  };
}
