/** A number that depends on how long the text is: on positions in the KV cache before a forward, and positions that it takes. */
export interface LengthValue {
  readonly at: (past: number, count: number) => number;
  /** past * `past` + count * `count` + `offset`, where it is that. */
  readonly affine?: Affine | undefined;
  /**
   * Ascending indexes of positions, each run alone, at which the value becomes another; empty where it is always the same, undefined
   * where it moves all the time.
   */
  readonly steps?: readonly number[] | undefined;
  /** Operations behind `at`: what a call of it costs. */
  readonly operations: number;
}

interface Affine {
  readonly past: number;
  readonly count: number;
  readonly offset: number;
}

/** Indexes that are tried where a comparison cannot be solved, and steps beyond which a value moves all the time. */
const TRIED_POSITIONS = 1 << 17;
const MAX_STEPS = 64;

/** Comparisons that may still be tried rather than solved: real graphs have one or two. */
export interface Trials {
  left: number;
}

export function affineValue(past: number, count: number, offset: number): LengthValue {
  return {
    at: (before, taken) => past * before + count * taken + offset,
    affine: { past, count, offset },
    steps: past === 0 ? [] : undefined,
    operations: 1,
  };
}

export const constantValue = (value: number): LengthValue => affineValue(0, 0, value);

/** Positions in the cache, positions of the forward, both together. */
export const PAST = affineValue(1, 0, 0);
export const COUNT = affineValue(0, 1, 0);
export const TOTAL = affineValue(1, 1, 0);

/** The constant that a value is, or undefined. */
export function fixedValue({ affine }: LengthValue): number | undefined {
  return affine !== undefined && affine.past === 0 && affine.count === 0 ? affine.offset : undefined;
}

/** `f` of some values. Where all of them move in steps, so does the result. */
export function combine(f: (...values: number[]) => number, operands: readonly LengthValue[]): LengthValue {
  const fixed = operands.map(fixedValue);
  if (fixed.every((value) => value !== undefined)) return constantValue(f(...(fixed as number[])));
  const at = (past: number, count: number) => f(...operands.map((operand) => operand.at(past, count)));
  const steps = operands.every((operand) => operand.steps !== undefined)
    ? realSteps(
        at,
        operands.flatMap((operand) => operand.steps!),
      )
    : undefined;
  return { at, steps, operations: 1 + operands.reduce((all, { operations }) => all + operations, 0) };
}

/** `a + sign * b`. */
export function sum(a: LengthValue, b: LengthValue, sign: 1 | -1): LengthValue {
  if (a.affine === undefined || b.affine === undefined) return combine((x, y) => x! + sign * y!, [a, b]);
  const add = (part: keyof Affine) => a.affine![part] + sign * b.affine![part];
  return affineValue(add("past"), add("count"), add("offset"));
}

export function product(a: LengthValue, b: LengthValue): LengthValue {
  const [factor, other] = fixedValue(a) === undefined ? [fixedValue(b), a] : [fixedValue(a), b];
  if (factor === undefined || other.affine === undefined) return combine((x, y) => x! * y!, [a, b]);
  const { past, count, offset } = other.affine;
  return affineValue(factor * past, factor * count, factor * offset);
}

/** A comparison, 1 or 0, with the indexes at which it turns. */
export function compare(
  holds: (difference: number) => boolean,
  a: LengthValue,
  b: LengthValue,
  trials: Trials,
): LengthValue {
  const difference = sum(a, b, -1);
  const found = combine((value) => Number(holds(value!)), [difference]);
  if (found.steps !== undefined) return found;
  const { affine } = difference;
  if (affine === undefined) return trials.left-- > 0 ? { ...found, steps: triedSteps(found.at) } : found;
  // Around the root: the comparison turns there or nowhere.
  const root = Math.floor(-(affine.count + affine.offset) / affine.past);
  return { ...found, steps: realSteps(found.at, [root - 1, root, root + 1, root + 2]) };
}

function realSteps(at: LengthValue["at"], candidates: readonly number[]): readonly number[] {
  const inside = [...new Set(candidates)].filter((index) => index > 0).sort((a, b) => a - b);
  return inside.filter((index) => at(index, 1) !== at(index - 1, 1));
}

function triedSteps(at: LengthValue["at"]): readonly number[] | undefined {
  const steps: number[] = [];
  for (let index = 1; index < TRIED_POSITIONS; index++) {
    if (at(index, 1) === at(index - 1, 1)) continue;
    steps.push(index);
    if (steps.length > MAX_STEPS) return undefined;
  }
  return steps;
}
