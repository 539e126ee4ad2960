import { judge, MIN_SAMPLES } from "./decide.ts";
import type { Hint } from "./hint.ts";
import type { Samples } from "./statistics/samples.ts";
import { isThin } from "./sweep.ts";

/** Distance (log) from the neighbours' curves up to which a single sample is enough of a point beyond the boundary. */
const AGREES = 0.15;
/** Distance (log) at which the curve is another one. */
const CONTRADICTS = 0.35;

interface HintedGoals {
  readonly maxPositions: number;
  readonly epsilon: number;
}

/**
 * What to sample next where neighbours have been measured, most urgent first: both sides of the boundary that they let expect,
 * and from there in growing steps to where it really is; then the checkpoints below and the shape beyond, once each where the
 * neighbours prove right. Empty when all of it is answered, undefined where the samples contradict the hint. Pure.
 */
export function hintedPositions(samples: Samples, hint: Hint, goals: HintedGoals): number[] | undefined {
  const bracket = bracketOf(samples, goals);
  if (bracket.free > hint.highest || bracket.dear <= hint.lowest) return undefined;
  if (hint.shape.some((n) => !isThin(samples, n) && distance(samples, hint, n) > CONTRADICTS)) return undefined;
  const unchecked = hint.checkpoints.filter((n) => n < bracket.dear && !isClosed(samples, n, goals.epsilon));
  const unknown = hint.shape.filter(
    (n) => samples.count(n) === 0 || (isThin(samples, n) && distance(samples, hint, n) > AGREES),
  );
  return [...new Set([...edgeQuestions(samples, hint, bracket, goals), ...unchecked, ...unknown])];
}

interface Bracket {
  /** The largest measured n up to which every measured one is free; 1 at first. */
  readonly free: number;
  /** The next one; where there is none, the first n that cannot be run. */
  readonly dear: number;
}

function bracketOf(samples: Samples, { epsilon, maxPositions }: HintedGoals): Bracket {
  let free = 1;
  for (const n of samples.measured) {
    const verdict = judge(samples, n, epsilon)!;
    // One sample of a dear n may be a disturbed one: it ends nothing yet.
    if (!verdict.closed && samples.count(n) === 1) continue;
    if (!verdict.free) return { free, dear: n };
    free = n;
  }
  return { free, dear: maxPositions + 1 };
}

/** The sides of the boundary that are not certain yet; else the next n between them: a step away that doubles, or the middle. */
function edgeQuestions(
  samples: Samples,
  { boundary }: Hint,
  { free, dear }: Bracket,
  { epsilon, maxPositions }: HintedGoals,
): number[] {
  const inRange = (n: number) => n > 1 && n <= maxPositions;
  const start = [boundary, boundary + 1].filter((n) => inRange(n) && !isClosed(samples, n, epsilon));
  if (start.length > 0) return start;
  const doubtful = [free, dear].filter((n) => inRange(n) && !isClosed(samples, n, epsilon));
  if (inRange(dear) && samples.count(dear) < MIN_SAMPLES) doubtful.push(dear);
  if (doubtful.length > 0 || dear - free === 1) return doubtful;
  const middle = Math.floor((free + dear) / 2);
  return dear <= boundary
    ? [Math.max(middle, dear - (boundary - dear + 1))]
    : [Math.min(middle, free + Math.max(1, free - boundary))];
}

function isClosed(samples: Samples, n: number, epsilon: number): boolean {
  return judge(samples, n, epsilon)?.closed === true;
}

/** How far (log) the samples of n lie outside of what the neighbours span. */
function distance(samples: Samples, hint: Hint, n: number): number {
  const expected = hint.expected(n);
  const { centre } = samples.estimate(n);
  return expected === undefined ? 0 : Math.max(0, expected.low - centre, centre - expected.high);
}
