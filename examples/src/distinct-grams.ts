/** A text loops where fewer of its runs of four tokens are distinct: half of what the bundled model says does. */
export const LOOPING_BELOW = 0.5;

/**
 * Share of the runs of `size` tokens in a text that come but once or for the first time, in (0, 1]: near 0 for a text that goes round
 * in circles, 1 for one that says nothing twice, and for one too short to.
 */
export function distinctGrams(tokens: ArrayLike<number>, size = 4): number {
  const count = tokens.length - size + 1;
  if (count < 1) return 1;
  const seen = new Set<string>();
  for (let i = 0; i < count; i++) seen.add(Array.from({ length: size }, (_, k) => tokens[i + k]).join());
  return seen.size / count;
}
