import { median } from "@nearfree/calibrate";
import { seedRunner } from "@nearfree/ort-adapter";
import type { ArmName, ContextArm } from "./open-arms.ts";

/** Rounds before the first that counts: capacity grows, and kernels see their shapes. */
const WARM = 1;
/** Forwards of an arm in its turn. The first does not count: workers of the session before it go on spinning for a while. */
const TURN = 3;

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
  for (let round = -WARM; round < samples / (TURN - 1); round++) {
    for (const { name, runner } of arms) {
      for (let i = 0; i < TURN; i++) {
        const began = performance.now();
        await runner.forward(tokens);
        const ms = performance.now() - began;
        runner.rewind(context);
        if (round >= 0 && i > 0) times.get(name)!.push(ms);
      }
    }
  }
  return new Map([...times].map(([name, list]) => [name, median(list)]));
}
