import { describe, expect, it } from "vitest";
import type { ObservableScheduler, SchedulerEvent } from "../contracts/observable-scheduler.ts";
import { decodeAll } from "../decode/decode.ts";
import { createNgramDrafter } from "../decode/draft/ngram.ts";
import { sampleProfile } from "../testing/sample-profile.ts";
import { createScriptedRunner } from "../testing/scripted-runner.ts";
import { createScheduler } from "./create-scheduler.ts";
import { countSteps } from "./scheduler-counters.ts";

const RATIOS = [1, 1.1, 1.2, 1.3, 1.5, 1.6, 1.7, 1.8];

const make = () => createScheduler({ profile: { ...sampleProfile(0, RATIOS), baseMs: 1 }, consistency: "tolerant" });

async function run(scheduler: ObservableScheduler, factor = 1) {
  const runner = createScriptedRunner({ contextLimit: 400, costMs: (rows) => factor * RATIOS[rows - 1]! });
  const options = { runner, scheduler, drafter: createNgramDrafter(), clock: runner.clock, prompt: [1, 2, 3] };
  return (await decodeAll({ ...options, maxNewTokens: 200 })).stats;
}

describe("countSteps", () => {
  it("counts what the decode's own totals say", async () => {
    const scheduler = make();
    const counters = countSteps(scheduler);
    const stats = await run(scheduler);
    const seen = counters.snapshot();
    expect([seen.forwards, seen.tokens, seen.reasons]).toEqual([stats.forwards, stats.tokens, stats.reasons]);
    expect(seen.tokensPerForward).toBeCloseTo(stats.tokens / stats.forwards, 12);
    expect(seen.proposed.reduce((a, b) => a + b)).toBe(stats.verified);
    expect(seen.accepted.reduce((a, b) => a + b)).toBe(stats.accepted);
    expect(seen.accepted.every((n, k) => n <= seen.proposed[k]!)).toBe(true);
    const histogram = RATIOS.map((_, i) => stats.trace.filter((n) => n === i + 1).length);
    expect(seen.positions).toEqual(histogram);
    expect(seen.forwardMs).toBeCloseTo(stats.forwardMs, 6);
    expect(seen.expectedMs).toBeCloseTo(seen.actualMs, 6);
    expect(seen.costError).toBeCloseTo(0, 6);
    expect(seen.tokensPerMs).toBeGreaterThan(1);
    expect([seen.stale, seen.drifts]).toEqual([false, 0]);
  });

  it("shows a machine that is slower than its profile, and its drift", async () => {
    const scheduler = make();
    const counters = countSteps(scheduler);
    for (let i = 0; i < 4; i++) await run(scheduler, 2);
    const seen = counters.snapshot();
    expect([seen.stale, seen.drifts]).toEqual([true, 1]);
    expect(seen.costError).toBeLessThan(0.1);
  });

  it("stops, and keeps what it counted", async () => {
    const scheduler = make();
    const counters = countSteps(scheduler);
    await run(scheduler);
    counters.stop();
    const before = counters.snapshot();
    await run(scheduler);
    expect(counters.snapshot()).toEqual(before);
  });

  it("counts a fixed scheduler too, which expects no ms", async () => {
    const scheduler = createScheduler({ policy: "fixed", positions: 4 });
    const counters = countSteps(scheduler);
    const stats = await run(scheduler);
    const seen = counters.snapshot();
    expect(seen.tokens).toBe(stats.tokens);
    expect([seen.expectedMs, seen.costError, seen.tokensPerMs]).toEqual([0, Number.NaN, Number.NaN]);
  });
});

describe("subscribe", () => {
  it("tells every listener until it leaves, the same one twice where it came twice", async () => {
    const scheduler = make();
    const seen: SchedulerEvent["type"][] = [];
    const listener = (event: SchedulerEvent) => seen.push(event.type);
    const leave = scheduler.subscribe(listener);
    const leaveToo = scheduler.subscribe(listener);
    const { forwards } = await run(scheduler);
    expect(seen).toHaveLength(2 * forwards);
    leave();
    leave();
    const again = await run(scheduler);
    expect(seen).toHaveLength(2 * forwards + again.forwards);
    leaveToo();
    await run(scheduler);
    expect(seen).toHaveLength(2 * forwards + again.forwards);
  });

  it("does not change what is planned", async () => {
    const [silent, told] = [make(), make()];
    told.subscribe(() => {});
    expect((await run(told)).trace).toEqual((await run(silent)).trace);
  });
});
