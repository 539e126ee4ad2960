import { combine, compare, type LengthValue, product, sum, type Trials } from "./length-value.ts";

/** What an operator makes of numbers: its operands in order, and whether the result is an integer. */
type Operator = (values: readonly LengthValue[], whole: boolean, trials: Trials) => LengthValue;

const plain =
  (f: (...values: number[]) => number): Operator =>
  (values, whole) =>
    combine(whole ? (...numbers) => Math.trunc(f(...numbers)) : f, values);
const comparison =
  (holds: (difference: number) => boolean): Operator =>
  ([a, b], _, trials) =>
    compare(holds, a!, b!, trials);

const OPERATORS: Readonly<Record<string, Operator>> = {
  Add: ([a, b]) => sum(a!, b!, 1),
  Sub: ([a, b]) => sum(a!, b!, -1),
  Mul: ([a, b]) => product(a!, b!),
  Neg: ([a]) =>
    product(
      a!,
      combine(() => -1, []),
    ),
  Cast: ([a], whole) => (whole && !isWhole(a!) ? combine((x) => Math.trunc(x!), [a!]) : a!),
  Div: plain((a, b) => a! / b!),
  Mod: plain((a, b) => ((a! % b!) + b!) % b!),
  Pow: plain((a, b) => a! ** b!),
  Min: plain((...values) => Math.min(...values)),
  Max: plain((...values) => Math.max(...values)),
  Clip: plain((a, low = Number.NEGATIVE_INFINITY, high = Number.POSITIVE_INFINITY) =>
    Math.min(high, Math.max(low, a!)),
  ),
  Abs: plain((a) => Math.abs(a!)),
  Sqrt: plain((a) => Math.sqrt(a!)),
  Log: plain((a) => Math.log(a!)),
  Exp: plain((a) => Math.exp(a!)),
  Floor: plain((a) => Math.floor(a!)),
  Ceil: plain((a) => Math.ceil(a!)),
  Reciprocal: plain((a) => 1 / a!),
  Not: plain((a) => Number(a === 0)),
  And: plain((a, b) => Number(a !== 0 && b !== 0)),
  Or: plain((a, b) => Number(a !== 0 || b !== 0)),
  Xor: plain((a, b) => Number((a !== 0) !== (b !== 0))),
  Where: plain((condition, a, b) => (condition !== 0 ? a! : b!)),
  Greater: comparison((difference) => difference > 0),
  GreaterOrEqual: comparison((difference) => difference >= 0),
  Less: comparison((difference) => difference < 0),
  LessOrEqual: comparison((difference) => difference <= 0),
  Equal: comparison((difference) => difference === 0),
};

/** Whether the operator works on numbers one by one. */
export function isElementwise(opType: string): boolean {
  return Object.hasOwn(OPERATORS, opType);
}

export function elementwise(
  opType: string,
  values: readonly LengthValue[],
  whole: boolean,
  trials: Trials,
): LengthValue {
  return OPERATORS[opType]!(values, whole, trials);
}

function isWhole({ affine }: LengthValue): boolean {
  return affine !== undefined && Object.values(affine).every(Number.isInteger);
}
