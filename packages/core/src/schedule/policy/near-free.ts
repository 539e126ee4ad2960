import { NearfreeError } from "../../contracts/errors.ts";
import type { CostCurve } from "../../profile/curve.ts";
import type { Policy } from "./policy.ts";

/**
 * The largest right edge within prefixFree: every position that is near-free, whatever the acceptance.
 * @throws NearfreeError `invalid-argument` unless epsilon is a number above 0.
 */
export function nearFree(epsilon: number): Policy {
  if (!(epsilon > 0 && epsilon < Number.POSITIVE_INFINITY)) {
    throw new NearfreeError({
      code: "invalid-argument",
      from: "core",
      what: "epsilon",
      expected: "a number above 0",
      received: String(epsilon),
      remedy: "0.1 allows a forward to cost 10% more than one position",
    });
  }
  return { reason: "near-free", choose: ({ curve }) => largestFreeEdge(curve, epsilon) };
}

function largestFreeEdge(curve: CostCurve, epsilon: number): number {
  const free = curve.prefixFree(epsilon);
  let n = free;
  while (n > 1 && curve.rightEdge[n - 1] === 0) n--;
  // A boundary inside the first stair has no edge below it: all of that stair so far costs the same.
  return n > 1 || curve.rightEdge[0] === 1 ? n : free;
}
