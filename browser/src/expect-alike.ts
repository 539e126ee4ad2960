import { expect } from "vitest";
import type { Exercise, ExerciseOptions } from "./exercise-runner.ts";

/** That every schedule gave the tokens of the plain loop, and that what was measured makes sense. */
export function expectAlike(
  { invariance, plain, decodes, profile }: Exercise,
  { maxPositions, newTokens }: ExerciseOptions,
): void {
  expect(plain).toHaveLength(newTokens);
  // Every n is in one class; between classes a row differs by the rounding of fp32, whatever the weights.
  const members = invariance.classes.flat().sort((a, b) => a - b);
  expect(members).toEqual(Array.from({ length: maxPositions }, (_, i) => i + 1));
  expect(invariance.maxDifference).toBeLessThan(1e-4);
  expect(profile.points[0]).toMatchObject({ positions: 1, ratio: 1 });
  expect(decodes.measured.tokens).toEqual(plain);
  expect(decodes.wide.tokens).toEqual(plain);
  expect(decodes.bitwise.tokens).toEqual(decodes.bitwisePlain.tokens);
  // Drafts were verified several at a time, and some stood.
  expect(decodes.wide.forwards).toBeLessThan(newTokens);
}
