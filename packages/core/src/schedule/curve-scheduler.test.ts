import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { PlanReason } from "../contracts/plan.ts";
import type { Outcome, PlanRequest, Scheduler } from "../contracts/scheduler.ts";
import { createScores } from "../contracts/scores.ts";
import type { Profile } from "../profile/profile.ts";
import { sampleProfile } from "../testing/sample-profile.ts";
import { createNoise } from "../testing/timing-noise.ts";
import type { SchedulerOptions } from "./create-scheduler.ts";
import { createScheduler } from "./create-scheduler.ts";

const DRAFTED = 15;
const CONFIDENCE = new Float32Array(DRAFTED).fill(0.8);

/** A profile of T(1) = 1 ms, measured at the n given. */
function profileOf(ratios: Readonly<Record<number, number>>, flips = 0): Profile {
  const all = Object.keys(ratios).map(Number);
  const sample = sampleProfile(0, Object.values(ratios));
  const points = sample.points.map((point, i) => ({ ...point, positions: all[i]! }));
  const classes = flips > 0 ? [[1], all.slice(1)] : [all];
  return { ...sample, baseMs: 1, points, invariance: { classes, maxDifference: 0, rows: 32, argmaxFlips: flips } };
}

const SLOPED = profileOf(Object.fromEntries(Array.from({ length: 16 }, (_, i) => [i + 1, 1 + 0.1 * i])));

/** One step of a scheduler: a draft of which `right` tokens are right, on a machine where `rows` rows take `msOf(rows)`. */
function step(scheduler: Scheduler, right: number, msOf: (rows: number) => number, more: Partial<PlanRequest> = {}) {
  const drafted = Math.min(DRAFTED, scheduler.draftLimit(), more.drafted ?? DRAFTED);
  const base = { confidence: CONFIDENCE, positionLimit: 1000, rowLimit: 1000, contextLength: 256 };
  const { positions, rows, reason } = scheduler.plan({ ...base, ...more, drafted });
  const emitted = Math.min(positions, right + 1, drafted + 1);
  const scores = createScores(DRAFTED);
  for (let k = 0; k < drafted && k <= right; k++) {
    scores.position[k] = k;
    scores.confidence[k] = CONFIDENCE[k]!;
    scores.accepted[k] = k < right ? 1 : 0;
    scores.length++;
  }
  const ms = msOf(rows);
  scheduler.observe({ emitted, forwardMs: ms, draftMs: 0, restMs: 0, scores });
  return { positions, rows, reason, emitted, ms };
}

const options: fc.Arbitrary<SchedulerOptions> = fc.oneof(
  fc.constant({} as const),
  fc.constant({ policy: "near-free" } as const),
  fc.double({ min: 0.5, max: 4, noNaN: true }).map((latencyMs) => ({ policy: "latency", latencyMs }) as const),
  fc.integer({ min: 1, max: 16 }).map((positions) => ({ policy: "fixed", positions }) as const),
);
const profiles = fc
  .record({
    points: fc.uniqueArray(fc.integer({ min: 2, max: 40 }), { maxLength: 12 }),
    steps: fc.array(fc.double({ min: 0.5, max: 3, noNaN: true }), { minLength: 12, maxLength: 12 }),
    flips: fc.nat(1),
  })
  .map(({ points, steps, flips }) => {
    const sorted = points.sort((a, b) => a - b);
    return profileOf(Object.fromEntries([[1, 1], ...sorted.map((n, i) => [n, steps[i]!] as const)]), flips);
  });
const requests = fc.array(
  fc.record({
    right: fc.nat(20),
    drafted: fc.nat(DRAFTED),
    positionLimit: fc.integer({ min: 1, max: 30 }),
    rowLimit: fc.integer({ min: 2, max: 60 }),
    ms: fc.double({ min: 0, max: 5, noNaN: true }),
  }),
  { maxLength: 60 },
);

describe("a plan", () => {
  it("keeps within every limit, runs measured rows only, and leaves no draft token out that would run anyway", () => {
    fc.assert(
      fc.property(profiles, options, requests, (profile, option, steps) => {
        const scheduler = createScheduler({ ...option, profile });
        const measured = new Set(profile.points.map((point) => point.positions));
        const fixed = option.policy === "fixed" && scheduler.consistency === "tolerant";
        for (const { right, ms, ...limits } of steps) {
          const rowLimit = Math.max(limits.rowLimit, scheduler.minRows);
          const drafted = Math.min(limits.drafted, scheduler.draftLimit());
          const plan = step(scheduler, right, () => ms, { ...limits, rowLimit });
          expect(plan.positions).toBeGreaterThanOrEqual(1);
          expect(plan.positions).toBeLessThanOrEqual(
            Math.min(1 + drafted, limits.positionLimit, scheduler.maxPositions),
          );
          expect(plan.rows).toBeGreaterThanOrEqual(plan.positions);
          expect(plan.rows).toBeLessThanOrEqual(Math.min(rowLimit, scheduler.maxRows));
          if (fixed) continue;
          expect(measured).toContain(plan.rows);
          const available = Math.min(1 + drafted, limits.positionLimit, scheduler.maxPositions);
          expect(plan.positions).toBeGreaterThanOrEqual(Math.min(plan.rows, available));
        }
      }),
    );
  });

  it("is the same for the same past and request", () => {
    fc.assert(
      fc.property(profiles, options, requests, (profile, option, steps) => {
        const [one, other] = [createScheduler({ ...option, profile }), createScheduler({ ...option, profile })];
        for (const { right, ms, ...limits } of steps) {
          const rowLimit = Math.max(limits.rowLimit, one.minRows);
          expect(step(one, right, () => ms, { ...limits, rowLimit })).toEqual(
            step(other, right, () => ms, { ...limits, rowLimit }),
          );
        }
      }),
    );
  });

  it("asks again without learning: plan() changes nothing", () => {
    const scheduler = createScheduler({ profile: SLOPED });
    for (let i = 0; i < 50; i++) step(scheduler, 3, (rows) => 1 + 0.1 * (rows - 1));
    const request = { drafted: DRAFTED, confidence: CONFIDENCE, positionLimit: 99, rowLimit: 99, contextLength: 256 };
    const first = { ...scheduler.plan(request) };
    for (let i = 0; i < 20; i++) scheduler.plan({ ...request, drafted: i % DRAFTED });
    expect({ ...scheduler.plan(request) }).toEqual(first);
  });
});

describe("one position", () => {
  it("is reached and left again as drafts turn wrong and right, however often", () => {
    const scheduler = createScheduler({ profile: SLOPED });
    const seen: number[] = [];
    for (let turn = 0; turn < 10; turn++) {
      let last = 0;
      for (let i = 0; i < 200; i++)
        last = step(scheduler, turn % 2 === 0 ? 12 : 0, (rows) => 1 + 0.1 * (rows - 1)).positions;
      seen.push(last);
    }
    expect(seen.filter((_, turn) => turn % 2 === 1)).toEqual([1, 1, 1, 1, 1]);
    for (const wide of seen.filter((_, turn) => turn % 2 === 0)) expect(wide).toBeGreaterThan(4);
  });
});

describe("a step clipped by a limit", () => {
  it("is no evidence against wider ones", () => {
    const [clipped, free] = [createScheduler({ profile: SLOPED }), createScheduler({ profile: SLOPED })];
    for (const scheduler of [clipped, free]) {
      for (let i = 0; i < 200; i++) step(scheduler, 12, (rows) => 1 + 0.1 * (rows - 1));
    }
    const outcome: Outcome = { emitted: 1, forwardMs: 1, draftMs: 0, restMs: 0, scores: createScores(0) };
    for (let i = 0; i < 500; i++) {
      const request = { drafted: 0, confidence: CONFIDENCE, positionLimit: 1, rowLimit: 99, contextLength: 256 };
      expect(clipped.plan(request).reason).toBe("limit");
      clipped.observe(outcome);
    }
    const ms = (rows: number) => 1 + 0.1 * (rows - 1);
    expect(step(clipped, 12, ms).positions).toBe(step(free, 12, ms).positions);
  });
});

describe("a forward that was not measured", () => {
  it("is no evidence on cost, and breaks nothing", () => {
    const scheduler = createScheduler({ profile: SLOPED });
    for (let i = 0; i < 100; i++) step(scheduler, 8, () => 0);
    const plan = scheduler.plan({
      drafted: DRAFTED,
      confidence: CONFIDENCE,
      positionLimit: 99,
      rowLimit: 99,
      contextLength: 256,
    });
    expect(plan.positions).toBeGreaterThan(4);
    expect(plan.expectedMs).toBeCloseTo(1 + 0.1 * (plan.rows - 1), 9);
  });
});

/** Runs `steps` steps and adds up ms and tokens, and the reasons. */
function drive(scheduler: Scheduler, steps: number, right: (i: number) => number, msOf: (rows: number) => number) {
  const total = { ms: 0, tokens: 0, positions: 0, reasons: {} as Partial<Record<PlanReason, number>> };
  for (let i = 0; i < steps; i++) {
    const { ms, emitted, reason, positions } = step(scheduler, right(i), msOf);
    total.ms += ms;
    total.tokens += emitted;
    total.positions = positions;
    total.reasons[reason] = (total.reasons[reason] ?? 0) + 1;
  }
  return total;
}

describe("after drift", () => {
  const fits = (rows: number) => 1 + 0.1 * (rows - 1);
  /** From 5 rows on, each forward takes twice as long and more. */
  const dear = (rows: number) => (rows > 4 ? 2.5 * fits(rows) : fits(rows));

  it("says so, tries what it has not run lately, and settles on what pays now", () => {
    const scheduler = createScheduler({ profile: SLOPED });
    const before = drive(scheduler, 300, () => 9, fits);
    expect(before.positions).toBeGreaterThan(8);
    const after = drive(scheduler, 1500, () => 9, dear);
    expect(after.reasons["stale-profile"]).toBeGreaterThan(1000);
    const settled = drive(scheduler, 300, () => 9, dear);
    const best = Math.max(...[1, 2, 3, 4, 10].map((n) => n / dear(n)));
    expect(settled.tokens / settled.ms).toBeGreaterThan(0.93 * best);
  });

  it("comes back when the profile fits again", () => {
    const scheduler = createScheduler({ profile: SLOPED });
    drive(scheduler, 300, () => 9, fits);
    drive(scheduler, 500, () => 9, dear);
    drive(scheduler, 3000, () => 9, fits);
    const { reasons, positions } = drive(scheduler, 100, () => 9, fits);
    expect(reasons["stale-profile"]).toBeUndefined();
    expect(positions).toBeGreaterThan(8);
  });
});

describe("without a profile", () => {
  const flat = (rows: number) => 3 * (1 + 0.02 * (rows - 1));
  const linear = (rows: number) => 3 * rows;

  it("stays at one position unless any rows may be run", () => {
    expect(createScheduler().maxPositions).toBe(1);
    expect(createScheduler({ policy: "latency", latencyMs: 3, consistency: "tolerant" }).maxPositions).toBe(1);
    expect(createScheduler({ consistency: "tolerant", maxPositions: 1 }).maxPositions).toBe(1);
    expect(createScheduler({ consistency: "tolerant" }).maxPositions).toBe(16);
  });

  it("starts at one, learns that rows are cheap, and runs them", () => {
    const scheduler = createScheduler({ consistency: "tolerant" });
    const noise = createNoise({ sigma: 0.05, spikes: 0.01 }, 3);
    const noisy = (rows: number) => flat(rows) * Math.exp(noise());
    const request = { drafted: 0, confidence: CONFIDENCE, positionLimit: 9, rowLimit: 9, contextLength: 1 };
    expect(scheduler.plan(request).expectedMs).toBeNaN();
    const first = drive(scheduler, 20, () => 9, noisy);
    expect(scheduler.plan(request).expectedMs).toBeCloseTo(3, 0);
    expect(first.reasons["no-profile"]).toBeGreaterThan(15);
    drive(scheduler, 1500, () => 9, noisy);
    const { tokens, ms } = drive(scheduler, 200, () => 9, noisy);
    // The spikes add 5.5% on average.
    expect(tokens / ms).toBeGreaterThan((0.95 * 10) / flat(16) / 1.055);
  });

  it("loses no more than its share of the time where no row is free", () => {
    const scheduler = createScheduler({ consistency: "tolerant" });
    const { ms, tokens, positions, reasons } = drive(scheduler, 4000, () => 0, linear);
    expect(positions).toBe(1);
    expect(reasons.exploring).toBeGreaterThan(5);
    expect(ms / (tokens * 3)).toBeLessThan(1.035);
  });
});
