import type { Policy } from "./policy.ts";

/**
 * Maximises E(n) - lambda * price(n) over the positions at hand, n = 1 always among them; E(n) = S_0 + ... + S_(n-1).
 *
 * Lambda is what a ms is worth: the tokens per ms that the loop makes. Choosing by price, not by the ratio E(n)/price(n) of
 * each step, is what maximises tokens per ms over many steps: a step that is hard to draft is left early, and its time goes to
 * the easy ones. Choosing with the rate lambda gives a rate of at least lambda, so lambda climbs to the best one there is
 * (Dinkelbach 1967, On nonlinear fractional programming).
 */
export function bestValue(): Policy {
  return {
    reason: "best-value",
    choose({ priceMs, survival, available, tokensPerMs }) {
      let tokens = 1;
      let best = 1;
      let bestValue = 1 - tokensPerMs * priceMs[0]!;
      // No early exit: beyond a stair that does not pay may come one that does.
      for (let n = 2; n <= available; n++) {
        tokens += survival[n - 1]!;
        const value = tokens - tokensPerMs * priceMs[n - 1]!;
        if (value > bestValue) {
          bestValue = value;
          best = n;
        }
      }
      return best;
    },
  };
}
