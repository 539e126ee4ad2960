import { median } from "@nearfree/calibrate";
import { createCostCurve, type Profile } from "@nearfree/core";
import { type Machine, WIDEST } from "../machine.ts";
import type { Stream } from "../stream.ts";
import type { Arm, Run } from "./arms.ts";

/** A forward that takes longer than this many times the median of its rows was held up by something else, and counts as that long. */
const HELD_UP = 2;

function allRuns(arms: readonly Arm[]): Run[] {
  return arms.flatMap(({ runs }) => runs.flat());
}

/** [rows-1]: the median ms of such forwards; by the profile, scaled to the others, for rows that no arm ran. */
export function usualMsOf(arms: readonly Arm[], profile: Profile): Float64Array {
  const seen = Array.from({ length: WIDEST }, (): number[] => []);
  for (const { rows, ms } of allRuns(arms)) for (let i = 0; i < rows.length; i++) seen[rows[i]! - 1]!.push(ms[i]!);
  const { costMs } = createCostCurve(profile, { maxPositions: WIDEST });
  const profiled = (i: number) => costMs[Math.min(i, costMs.length - 1)]!;
  const usual = seen.map(median);
  const scale = median(usual.map((ms, i) => ms / profiled(i)).filter(Number.isFinite));
  return Float64Array.from(usual, (ms, i) => (Number.isNaN(ms) ? scale * profiled(i) : ms));
}

/** ms of a run without what held its forwards up. */
export function msOf({ rows, ms, restMs }: Run, usualMs: Float64Array): number {
  return ms.reduce((sum, each, i) => sum + Math.min(each, HELD_UP * usualMs[rows[i]! - 1]!), restMs);
}

/** Mean ms by rows, as the arms met them, and of the rest of a step. */
export function machineOf(arms: readonly Arm[], usualMs: Float64Array, stream: Stream, profile: Profile): Machine {
  const sum = new Float64Array(WIDEST);
  const count = new Float64Array(WIDEST);
  let [restMs, forwards] = [0, 0];
  for (const { rows, ms, restMs: rest } of allRuns(arms)) {
    restMs += rest;
    forwards += rows.length;
    for (let i = 0; i < rows.length; i++) {
      const at = rows[i]! - 1;
      sum[at]! += Math.min(ms[i]!, HELD_UP * usualMs[at]!);
      count[at]!++;
    }
  }
  const table = usualMs.map((usual, i) => (count[i]! > 0 ? sum[i]! / count[i]! : usual) + restMs / forwards);
  return {
    levels: new Float64Array(stream.length).fill(1),
    kernels: new Uint8Array(stream.length),
    tables: [table],
    perContextMs: new Float64Array(WIDEST),
    draftMs: 0,
    profiles: [profile],
  };
}
