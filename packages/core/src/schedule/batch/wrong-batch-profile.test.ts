import { expect, it } from "vitest";
import { createScores } from "../../contracts/scores.ts";
import { mulberry } from "../../testing/mulberry.ts";
import { sampleProfile } from "../../testing/sample-profile.ts";
import { createScriptedText } from "../../testing/scripted-machine.ts";
import { createNoise } from "../../testing/timing-noise.ts";
import type { RowsModel } from "./batch.ts";
import { createBatchScheduler } from "./create-batch-scheduler.ts";

const REQUESTS = 4;
const DRAFTED = 7;
const line = (rows: number, slope: number) => Array.from({ length: rows }, (_, i) => 1 + slope * i);

interface Case {
  readonly model: RowsModel;
  /** Cost of a row more, as profiled and in truth. */
  readonly profiled: number;
  readonly truth: number;
  readonly acceptance: number;
  readonly noisy: boolean;
}

/** Time over that of one position for each request, in the first 200 steps and in 1,300 after. */
function play({ model, profiled, truth, acceptance, noisy }: Case) {
  const rows = model === "flat" ? 64 : 16;
  const sample = sampleProfile(0, line(rows, profiled));
  const cell = { contextLength: 256, batch: model === "flat" ? 1 : REQUESTS };
  const profile = { ...sample, baseMs: 1, key: { ...sample.key, cell } };
  const scheduler = createBatchScheduler({ profile, rows: model, mostSlowdown: 10, maxPositions: DRAFTED + 1 });
  const costMs = line(rows, truth);
  const noise = noisy ? createNoise({ sigma: 0.1, spikes: 0.01, bursts: 1 / 400 }, 7) : () => 0;
  const random = mulberry(5);
  const confidence = new Float32Array(DRAFTED).fill(0.75);
  const requests = Array.from({ length: REQUESTS }, (_, slot) => {
    const limits = { positionLimit: 1000, rowLimit: 1000, contextLength: 256, latencyMs: Number.POSITIVE_INFINITY };
    return { slot, drafted: DRAFTED, confidence, ...limits };
  });
  const parts = [0, 1].map(() => ({ ms: 0, tokens: 0 }));
  for (let step = 0; step < 1500; step++) {
    const plan = scheduler.plan(requests);
    const part = parts[step < 200 ? 0 : 1]!;
    const emitted: number[] = [];
    const scores = requests.map((_, i) => {
      const { guessed } = createScriptedText(acceptance, DRAFTED, random);
      const wrong = guessed.indexOf(0);
      const right = wrong < 0 ? DRAFTED : wrong;
      emitted.push(Math.min(plan.positions[i]!, right + 1));
      const decided = createScores(DRAFTED);
      decided.length = Math.min(DRAFTED, right + 1);
      for (let k = 0; k < decided.length; k++) {
        decided.position[k] = k;
        decided.confidence[k] = 0.75;
        decided.accepted[k] = k < right ? 1 : 0;
      }
      return decided;
    });
    const ms = costMs[plan.rows - 1]!;
    part.ms += ms;
    part.tokens += emitted.reduce((sum, each) => sum + each);
    scheduler.observe({ emitted, scores, forwardMs: ms * Math.exp(noise()), restMs: 0 });
  }
  const plainMs = costMs[(model === "flat" ? REQUESTS : 1) - 1]! / REQUESTS;
  return parts.map(({ ms, tokens }) => ms / tokens / plainMs);
}

it.each(["padded", "flat"] as const)(
  "a wrong profile of a batch costs at most 3 per cent after 200 steps (%s)",
  (model) => {
    const broken: string[] = [];
    for (const profiled of [0.02, 0.9])
      for (const truth of [0.02, 0.1, 0.45, 0.9])
        for (const acceptance of [0, 0.2, 0.5, 0.8, 0.95])
          for (const noisy of [false, true]) {
            const [first, after] = play({ model, profiled, truth, acceptance, noisy });
            if (!(after! <= 1.03 && first! <= 1.2))
              broken.push(`${profiled} for ${truth}, acceptance ${acceptance}, ${noisy}: ${first}, then ${after}`);
          }
    expect(broken).toEqual([]);
  },
);

it("tries again what was dropped, and runs it where it pays", () => {
  // Half of what the right profile makes.
  const steep = play({ model: "padded", profiled: 0.9, truth: 0.02, acceptance: 0.95, noisy: true });
  const right = play({ model: "padded", profiled: 0.02, truth: 0.02, acceptance: 0.95, noisy: true });
  expect(steep[1]).toBeLessThan(2 * right[1]!);
});
