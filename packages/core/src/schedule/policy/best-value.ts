import type { Policy, Situation } from "./policy.ts";

/** Draft tokens that are looked along; those further on count like the last of them. */
const DEPTH = 16;
/** Pairs of a draft token and a number of positions weighed at most, so that a choice takes few microseconds: a wide one looks less far. */
const MOST_WEIGHED = 512;
/** Where the draft is right this far with no more than this probability, more positions bring nothing. */
const HOPELESS = 1e-3;
/** No draft is taken to be surer than this: one that never ended would be worth more than can be counted. */
const SUREST = 0.998;

/**
 * Maximises tokens per ms over many steps: E(n) - lambda * price(n), and what the draft is worth after it; n = 1 is always considered.
 * E(n) = S_0 + ... + S_(n-1).
 *
 * Lambda is what a ms is worth: the tokens per ms that the loop makes. Choosing by price, not by the ratio E(n)/price(n) of
 * each step, is what maximises tokens per ms over many steps: a step that is hard to draft is left early, and its time goes to
 * the easy ones. Choosing with the rate lambda gives a rate of at least lambda, so lambda climbs to the best one there is
 * (Dinkelbach 1967, On nonlinear fractional programming).
 *
 * A step that stops inside a right draft leaves the rest of it to the next step; one that runs into a wrong token leaves nothing.
 * So with V(k) the value of standing behind k right tokens of the draft, relative to standing nowhere,
 *
 *     V(k) = max over n of  E_k(n) - lambda * price(n) + S_(k+n) / S_k * V(k+n)
 *
 * where E_k is E of the draft from its token k on: the optimality equation of an average-reward decision process (Howard
 * 1960), solved from the draft's end backwards, since every step goes on by at least one token. The choice is the n at k = 0. Behind the draft,
 * each token is as likely as its last one.
 */
export function bestValue(): Policy {
  // Scratch of one choice. [k]: V(k), and the probability that draft token k is right where all before it are
  const value = new Float64Array(DEPTH + 1);
  const chance = new Float64Array(DEPTH + 1);
  return {
    reason: "best-value",
    choose(situation) {
      const { survival, available, priceMs, tokensPerMs } = situation;
      const last = Math.min(available - 1, DEPTH, Math.max(1, Math.floor(MOST_WEIGHED / available)));
      if (last === 0) return 1;
      for (let k = 0; k < last; k++)
        chance[k] = survival[k]! > 0 ? Math.min(SUREST, survival[k + 1]! / survival[k]!) : 0;
      const tail = chance[last - 1]!;
      const end = endless(tail, situation);
      let best = 1;
      for (let k = last - 1; k >= 0; k--) {
        let top = Number.NEGATIVE_INFINITY;
        let reached = 1;
        let tokens = 0;
        // No early exit at a stair that does not pay: beyond it may come one that does.
        for (let n = 1; n <= available && reached > HOPELESS; n++) {
          const next = k + n;
          tokens += reached;
          reached *= next <= last ? chance[next - 1]! : tail;
          const worth = tokens - tokensPerMs * priceMs[n - 1]! + reached * (next < last ? value[next]! : end);
          if (worth > top) {
            top = worth;
            best = n;
          }
        }
        value[k] = top;
      }
      return best;
    },
  };
}

/** V behind the draft: the best n, step after step, while every token is right with probability `chance`. */
function endless(chance: number, { available, priceMs, tokensPerMs }: Situation): number {
  let top = Number.NEGATIVE_INFINITY;
  let reached = 1;
  let tokens = 0;
  for (let n = 1; n <= available && reached > HOPELESS; n++) {
    tokens += reached;
    reached *= chance;
    const worth = (tokens - tokensPerMs * priceMs[n - 1]!) / (1 - reached);
    if (worth > top) top = worth;
  }
  return top;
}
