import { loadOrCalibrate, openModel } from "@nearfree/calibrate/node";
import { heldOutPrompts, tinyTs } from "@nearfree/examples";
import { benchCommand } from "./bench-command.ts";
import { heapGrowthBytes, planObserveUs } from "./overhead-plan.ts";
import { forwardOverhead, type RunOverhead, wrapOverhead } from "./overhead-run.ts";

/** One: the second core is left to garbage collection, whose helpers wait for spinning workers otherwise. */
const THREADS = 1;
const POSITIONS = [1, 4, 16];

const round2 = (value: number) => Math.round(value * 100) / 100;
const worst = (overheads: readonly RunOverhead[]) => round2(Math.max(...overheads.map((each) => each.overheadUs)));
const detail = (overheads: readonly RunOverhead[]) =>
  overheads.map(({ positions, bareMs, overheadUs }) => ({
    positions,
    bareMs: round2(bareMs),
    overheadUs: round2(overheadUs),
    overheadShare: round2(overheadUs / 1000 / bareMs),
  }));

await benchCommand("overhead", "what nearfree costs beside the model", async ({ quick }, say) => {
  const model = await openModel(await tinyTs("fp32"), { threads: THREADS });
  const { profile } = await loadOrCalibrate(model);
  const context = model.codec!.encode((await heldOutPrompts()).map(({ prompt }) => prompt).join("\n")).slice(0, 256);
  const path = model.folder.modelPath;
  await model.release();

  const plan = planObserveUs(profile, quick ? 50_000 : 500_000);
  say(`plan() + observe(): p50 ${plan.p50.toFixed(2)} us, p99 ${plan.p99.toFixed(2)} us`);
  const growth = heapGrowthBytes(profile, 1_000_000);
  say(`a million steps: the heap grew by ${growth} bytes`);
  const rounds = quick ? 300 : 2000;
  const measure = async (what: string, overheadOf: (positions: number) => Promise<RunOverhead>) => {
    const overheads: RunOverhead[] = [];
    for (const positions of POSITIONS) {
      const each = await overheadOf(positions);
      overheads.push(each);
      say(`${what} of ${positions}: ${each.overheadUs.toFixed(1)} us over a bare run of ${each.bareMs.toFixed(3)} ms`);
    }
    return overheads;
  };
  const forwards = await measure("forward()", (positions) => forwardOverhead(path, context, positions, rounds));
  const wraps = await measure("a wrapped step", (positions) => wrapOverhead(path, context, positions, rounds, profile));
  return {
    summary: {
      planObserveP99Us: round2(plan.p99),
      heapGrowthBytes: growth,
      forwardOverheadUs: worst(forwards),
      wrapOverheadUs: worst(wraps),
    },
    planObserveP50Us: round2(plan.p50),
    forwards: detail(forwards),
    wraps: detail(wraps),
  };
});
