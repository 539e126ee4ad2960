import type { Profile } from "@nearfree/core";
import { profileOf } from "../policy/machine.ts";

/**
 * A profile of every n up to `positions`, each `slope` dearer than the one before: what planning takes depends on how many there
 * are, not on what forwards cost.
 */
export function steadyCurve(positions: number, slope: number, batch = 1): Profile {
  const one = profileOf("steady", 256, Float64Array.of(1));
  const all = Array.from({ length: positions }, (_, i) => i + 1);
  return {
    ...one,
    key: { ...one.key, cell: { contextLength: 256, batch } },
    points: all.map((n) => {
      const ratio = 1 + slope * (n - 1);
      return { positions: n, ratio, low: ratio, high: ratio, samples: 8, level: "certified" };
    }),
    invariance: { ...one.invariance, classes: [all] },
  };
}
