import type { GraphEdit } from "./graph-edit.ts";

/** Index of each new row in its text, int64 [batch, rows]: the name that exporters use. */
export const POSITIONS = "position_ids";

/** Live positions of the fed past, int64 [1]: behind them it has room. */
export const PAST_LENGTH = "nearfree_past_length";

const BIAS = "nearfree_bias";

/**
 * Name of the input that says which positions each new row sees: float32 [batch | 1, 1, rows, capacity + rows], added to the scores.
 * One for all layers that see everything, one for each window.
 */
export function biasName(window: number | undefined): string {
  return window === undefined ? BIAS : `${BIAS}_${window}`;
}

/** The window of a bias input; null where the input is no bias. */
export function windowOfBias(name: string): number | undefined | null {
  if (name === BIAS) return undefined;
  const digits = /^nearfree_bias_(\d+)$/.exec(name)?.[1];
  return digits === undefined ? null : Number(digits);
}

/** Whether an input is one that a rewrite adds. */
export function isOwnInput(name: string): boolean {
  return name === PAST_LENGTH || windowOfBias(name) !== null;
}

export function addBiasInput(g: GraphEdit, window: number | undefined): string {
  return g.input(biasName(window), "float32", ["bias_batch", 1, "sequence_length", "columns"]);
}

/** int64 [1]: live positions of the fed past. */
export function pastLength(g: GraphEdit): string {
  return g.input(PAST_LENGTH, "int64", [1]);
}
