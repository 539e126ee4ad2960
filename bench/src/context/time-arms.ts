import { median } from "@nearfree/calibrate";
import { seedRunner } from "@nearfree/ort-adapter";
import type { ArmName, ContextArm } from "./open-arms.ts";

/** Forwards before the first that counts: capacity grows, and kernels see their shapes. */
const WARM = 2;

/** Median ms of a forward of `rows` rows at `context`, arms in turns: each sees the same minutes of the machine. */
export async function timeArms(
  arms: readonly ContextArm[],
  context: number,
  rows: number,
  samples: number,
): Promise<ReadonlyMap<ArmName, number>> {
  const times = new Map(arms.map(({ name }) => [name, [] as number[]]));
  const tokens = Int32Array.from({ length: rows }, (_, i) => 3 + i);
  for (const { runner } of arms) await seedRunner(runner, context);
  for (let sample = -WARM; sample < samples; sample++) {
    for (const { name, runner } of arms) {
      const began = performance.now();
      await runner.forward(tokens);
      const ms = performance.now() - began;
      runner.rewind(context);
      if (sample >= 0) times.get(name)!.push(ms);
    }
  }
  return new Map([...times].map(([name, list]) => [name, median(list)]));
}
