import { describe, expect, it } from "vitest";
import { NearfreeError } from "../contracts/errors.ts";
import type { PlanRequest, Scheduler } from "../contracts/scheduler.ts";
import { createScores } from "../contracts/scores.ts";
import type { Profile } from "../profile/profile.ts";
import { sampleProfile } from "../testing/sample-profile.ts";
import type { SchedulerOptions } from "./create-scheduler.ts";
import { createScheduler } from "./create-scheduler.ts";

const RATIOS = [1, 1.05, 1.06, 1.08, 1.5, 1.5, 1.5, 1.5];
const sample = sampleProfile(0, RATIOS);
const rounding: Profile = {
  ...sample,
  baseMs: 1,
  invariance: { ...sample.invariance, classes: [[1], [2, 3, 4, 5, 6, 7, 8]] },
};
const flipping: Profile = { ...rounding, invariance: { ...rounding.invariance, argmaxFlips: 1 } };

function request(confidence: readonly number[], more: Partial<PlanRequest> = {}): PlanRequest {
  return {
    drafted: confidence.length,
    confidence: Float32Array.from(confidence),
    positionLimit: 100,
    rowLimit: 100,
    contextLength: 256,
    ...more,
  };
}

const SURE = new Array(7).fill(0.95);
const decide = (scheduler: Scheduler, confidence: readonly number[], more?: Partial<PlanRequest>) => {
  const { positions, rows, reason } = scheduler.plan(request(confidence, more));
  return [positions, rows, reason];
};
const observe = (scheduler: Scheduler, emitted: number, forwardMs: number, draftMs = 0) =>
  scheduler.observe({ emitted, forwardMs, draftMs, restMs: 0, scores: createScores(0) });

describe("createScheduler", () => {
  it("runs one position without a profile, and says so", () => {
    const scheduler = createScheduler();
    expect(scheduler.draftLimit()).toBe(0);
    expect(decide(scheduler, [])).toEqual([1, 1, "no-profile"]);
    expect(scheduler.plan(request([])).expectedMs).toBeNaN();
    expect(decide(createScheduler({ policy: "near-free" }), SURE)).toEqual([1, 1, "no-profile"]);
  });

  it("runs a fixed number with or without a profile, clipped for a reason", () => {
    for (const profile of [undefined, rounding]) {
      const scheduler = createScheduler({ policy: "fixed", positions: 6, profile });
      expect(scheduler.draftLimit()).toBe(5);
      expect(decide(scheduler, SURE)).toEqual([6, 6, "fixed"]);
      expect(decide(scheduler, [0.1, 0.1])).toEqual([3, 3, "draft-too-short"]);
      expect(decide(scheduler, SURE, { positionLimit: 2 })).toEqual([2, 2, "limit"]);
    }
  });

  it("chooses by the policy asked for", () => {
    expect(decide(createScheduler({ profile: rounding, policy: "near-free" }), SURE)).toEqual([4, 4, "near-free"]);
    expect(decide(createScheduler({ profile: rounding, policy: "latency", latencyMs: 1.06 }), SURE)).toEqual([
      3,
      3,
      "latency",
    ]);
    const own = { reason: "exploring", choose: () => 5 } as const;
    expect(decide(createScheduler({ profile: rounding, policy: own }), SURE)).toEqual([5, 5, "exploring"]);
    expect(decide(createScheduler({ profile: rounding, policy: { ...own, choose: () => Number.NaN } }), SURE)[0]).toBe(
      1,
    );
  });

  it("says why it chose less than it wanted", () => {
    const nearFree = createScheduler({ profile: rounding, policy: "near-free" });
    expect(decide(nearFree, [0.9])).toEqual([2, 2, "draft-too-short"]);
    expect(decide(nearFree, SURE, { positionLimit: 3 })).toEqual([3, 3, "limit"]);
    expect(decide(nearFree, SURE, { rowLimit: 2 })).toEqual([2, 2, "limit"]);
    const best = createScheduler({ profile: rounding });
    expect(decide(best, SURE)).toEqual([8, 8, "best-value"]);
    expect(decide(best, [0.01])).toEqual([1, 1, "not-worth-it"]);
    expect(decide(best, [])).toEqual([1, 1, "draft-too-short"]);
    expect(decide(best, [], { positionLimit: 1 })).toEqual([1, 1, "limit"]);
    expect(decide(best, [0.9], { positionLimit: 2 })).toEqual([2, 2, "limit"]);
  });

  it("expects tokens by survival and ms by the curve", () => {
    const plan = createScheduler({ profile: rounding, policy: "near-free" }).plan(request([0.5, 0.5, 0.5]));
    expect(plan.expectedTokens).toBeCloseTo(1.875, 12);
    expect(plan.expectedMs).toBeCloseTo(1.08, 12);
  });

  it("keeps to one class of rows where an argmax flipped: one position runs as two rows", () => {
    const scheduler = createScheduler({ profile: flipping });
    expect([scheduler.consistency, scheduler.minRows, scheduler.maxRows]).toEqual(["bitwise", 2, 8]);
    expect(decide(scheduler, [])).toEqual([1, 2, "draft-too-short"]);
    const fixed = createScheduler({ profile: flipping, policy: "fixed", positions: 1 });
    expect([fixed.draftLimit(), fixed.maxPositions]).toEqual([0, 1]);
    expect(decide(fixed, [])).toEqual([1, 2, "fixed"]);
    const wide = createScheduler({ profile: flipping, policy: "fixed", positions: 20 });
    expect(decide(wide, new Array(19).fill(0.9))).toEqual([8, 8, "limit"]);
    expect(createScheduler({ profile: flipping, consistency: "tolerant" }).minRows).toBe(1);
  });

  it("pads to a cheaper row count where it fits", () => {
    const dip = { ...sampleProfile(0, [1, 3, 3, 1.2]), baseMs: 1 };
    const scheduler = createScheduler({ profile: dip, policy: "latency", latencyMs: 1.3, consistency: "tolerant" });
    expect(decide(scheduler, [0.9])).toEqual([2, 4, "draft-too-short"]);
    expect(decide(scheduler, [0.9], { rowLimit: 3 })).toEqual([2, 2, "draft-too-short"]);
  });

  it("corrects its cost by what it observes, and calls a lasting shift by its name", () => {
    const scheduler = createScheduler({ profile: rounding, policy: "latency", latencyMs: 1.2 });
    for (let i = 0; i < 100; i++) {
      scheduler.plan(request(SURE));
      observe(scheduler, 1, 1.5);
    }
    expect(decide(scheduler, SURE)).toEqual([1, 1, "latency"]);
    for (let i = 0; i < 12_000; i++) {
      scheduler.plan(request(SURE));
      observe(scheduler, 1, 1.5);
    }
    expect(decide(scheduler, SURE)).toEqual([1, 1, "stale-profile"]);
  });

  it("stops asking a drafter that costs more than it brings, but for a probe now and then", () => {
    const scheduler = createScheduler({ profile: rounding });
    let drafted = 0;
    for (let i = 0; i < 1000; i++) {
      const confidence = scheduler.draftLimit() > 0 ? [0.05, 0.05] : [];
      if (confidence.length > 0) drafted++;
      const { rows } = scheduler.plan(request(confidence));
      observe(scheduler, 1, RATIOS[rows - 1]!, confidence.length > 0 ? 0.5 : 0);
    }
    expect(drafted).toBeGreaterThan(10);
    expect(drafted).toBeLessThan(100);
    expect(scheduler.draftLimit()).toBe(0);
    expect(decide(scheduler, [])).toEqual([1, 1, "not-worth-it"]);
  });

  it("reuses its plan", () => {
    const scheduler = createScheduler({ profile: rounding });
    expect(scheduler.plan(request(SURE))).toBe(scheduler.plan(request([])));
  });

  it("refuses options outside their range", () => {
    const refused: SchedulerOptions[] = [
      { maxPositions: 0 },
      { consistency: "bitwise" },
      { policy: "fixed", positions: 0 },
      { policy: "latency", latencyMs: -1 },
      { policy: "near-free", epsilon: 0 },
      { profile: [sampleProfile(0), sampleProfile(1)] },
    ];
    for (const options of refused) expect(() => createScheduler(options)).toThrow(NearfreeError);
  });
});
