import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NearfreeError } from "../../contracts/errors.ts";
import type { Scores } from "../../contracts/scores.ts";
import { createScores } from "../../contracts/scores.ts";
import type { Profile } from "../../profile/profile.ts";
import { sampleProfile } from "../../testing/sample-profile.ts";
import { createScheduler } from "../create-scheduler.ts";
import type { BatchRequest, BatchScheduler, RowsModel } from "./batch.ts";
import type { BatchSchedulerOptions } from "./create-batch-scheduler.ts";
import { createBatchScheduler } from "./create-batch-scheduler.ts";

function profileOf(ratios: readonly number[], batch = 1, baseMs = 1, contextLength = 256): Profile {
  const sample = sampleProfile(0, ratios);
  return { ...sample, baseMs, key: { ...sample.key, cell: { contextLength, batch } } };
}

/** r(n) = 1 + slope * (n - 1). */
const line = (count: number, slope: number) => Array.from({ length: count }, (_, i) => 1 + slope * i);

function request(slot: number, confidence: readonly number[], more: Partial<BatchRequest> = {}): BatchRequest {
  return {
    slot,
    drafted: confidence.length,
    confidence: Float32Array.from(confidence),
    positionLimit: 100,
    rowLimit: 100,
    contextLength: 256,
    latencyMs: Number.POSITIVE_INFINITY,
    ...more,
  };
}

const positionsOf = (scheduler: BatchScheduler, requests: readonly BatchRequest[]) => [
  ...scheduler.plan(requests).positions.subarray(0, requests.length),
];
const sure = (count: number) => new Array<number>(count).fill(0.95);

describe("createBatchScheduler", () => {
  it("gives rows to the draft tokens that are likeliest to stand, whosever they are, while they pay", () => {
    const scheduler = createBatchScheduler({ profile: profileOf(line(64, 0.2)), rows: "flat" });
    const requests = [request(0, sure(7)), request(1, [0.1, 0.1]), request(2, [0.9, 0.3, 0.9])];
    const plan = scheduler.plan(requests);
    const [first, second, third] = plan.positions;
    expect(second).toBe(1);
    expect(first!).toBeGreaterThan(third!);
    expect(third).toBe(2);
    expect(plan.rows).toBe(first! + second! + third!);
    expect(plan.expectedMs).toBeCloseTo(1 + 0.2 * (plan.rows - 1), 12);
    expect(plan.reason).toBe("best-value");
  });

  it("runs a padded batch as wide as pays for all together: what is wide for one is free for the others", () => {
    const profile = [profileOf([1, 1.1, 1.2, 1.9], 4, 2), profileOf([1, 1.5, 2, 3], 8, 3)];
    const scheduler = createBatchScheduler({ profile });
    const plan = scheduler.plan([request(0, sure(7)), request(1, [0.1, 0.1, 0.1]), request(2, [])]);
    expect([plan.rows, ...plan.positions.subarray(0, 3)]).toEqual([3, 3, 3, 1]);
    // Six sequences: half way between T_4(n) and T_8(n).
    const six = scheduler.plan([0, 1, 2, 3, 4, 5].map((slot) => request(slot, [])));
    expect([six.rows, six.expectedMs, six.reason]).toEqual([1, 2.5, "draft-too-short"]);
  });

  it("plans one position each where no profile covers the batch", () => {
    for (const rows of ["padded", "flat"] as const) {
      const scheduler = createBatchScheduler({ profile: profileOf([1, 1, 1, 1], 2), rows });
      const plan = scheduler.plan(Array.from({ length: 9 }, (_, slot) => request(slot, sure(3))));
      expect([...plan.positions.subarray(0, 9)]).toEqual(new Array(9).fill(1));
      expect([plan.reason, plan.expectedMs]).toEqual(["no-profile", Number.NaN]);
    }
  });

  it("plans for one request what the scheduler of one plans", () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 0.6, noNaN: true }), { minLength: 1, maxLength: 15 }),
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 15 }),
        fc.constantFrom<RowsModel>("padded", "flat"),
        (steps, confidence, rows) => {
          let ratio = 1;
          const profile = profileOf([1, ...steps.map((step) => (ratio += 0.02 + step))]);
          const single = createScheduler({ profile, consistency: "tolerant" });
          const batch = createBatchScheduler({ profile, rows });
          const asked = request(0, confidence);
          const expected = single.plan(asked);
          const plan = batch.plan([asked]);
          expect(plan.positions[0]).toBe(expected.positions);
          expect(plan.expectedMs).toBeCloseTo(expected.expectedMs, 9);
          expect(plan.expectedTokens).toBeCloseTo(expected.expectedTokens, 6);
        },
      ),
    );
  });

  it("keeps within a request's own limits, and the tightest latency of all", () => {
    const scheduler = createBatchScheduler({ profile: profileOf(line(64, 0.01)), rows: "flat" });
    const limits = [{ positionLimit: 2 }, { rowLimit: 3 }, {}];
    expect(
      positionsOf(
        scheduler,
        limits.map((more, slot) => request(slot, sure(7), more)),
      ),
    ).toEqual([2, 3, 8]);
    const requests = [request(0, sure(7)), request(1, sure(7), { latencyMs: 1.051 })];
    const plan = scheduler.plan(requests);
    expect([plan.rows, plan.expectedMs]).toEqual([6, 1.05]);
    const tight = scheduler.plan([request(0, sure(7)), request(1, sure(7), { latencyMs: 0.1 })]);
    expect([tight.rows, tight.reason]).toEqual([2, "limit"]);
    // A padded sequence runs as many rows as the others: the fullest cache limits all.
    const padded = createBatchScheduler({ profile: profileOf(line(8, 0.01), 2) });
    expect(padded.plan([request(0, sure(7)), request(1, [], { rowLimit: 3 })]).rows).toBe(3);
  });

  it("pads to rows that cost less", () => {
    const padded = createBatchScheduler({ profile: profileOf([1, 3, 3, 1.2], 2) });
    const plan = padded.plan([request(0, [0.95]), request(1, [0.95])]);
    expect([plan.rows, ...plan.positions.subarray(0, 2)]).toEqual([4, 2, 2]);
  });

  it("learns for each request what its drafts are worth, and starts a new one from what the others know", () => {
    const scheduler = createBatchScheduler({ profile: profileOf(line(64, 0.3)), rows: "flat", mostSlowdown: 100 });
    const requests = [request(0, [0.7, 0.7, 0.7]), request(1, [0.7, 0.7, 0.7])];
    for (let step = 0; step < 200; step++) {
      const emitted = [scheduler.plan(requests).positions[0]!, 1];
      scheduler.observe({ emitted, scores: [scoresOf(3, 3), scoresOf(0, 3)], forwardMs: 0, restMs: 0 });
    }
    const [good, bad] = positionsOf(scheduler, requests);
    expect(good!).toBeGreaterThan(bad!);
    scheduler.free(0);
    scheduler.free(1);
    const [one, two] = positionsOf(scheduler, requests);
    expect(one!).toBeLessThan(good!);
    expect(one! - two!).toBeLessThanOrEqual(1);
  });

  it("refuses what it cannot plan, in one line", () => {
    const profile = profileOf([1, 1.1]);
    const refused: BatchSchedulerOptions[] = [
      { profile: [] },
      { profile, maxRequests: 0 },
      { profile, maxRequests: 2000 },
      { profile, maxPositions: 0.5 },
      { profile, mostSlowdown: -1 },
      { profile: [profile, profileOf([1, 1.1], 4)], rows: "flat" },
      { profile: [sampleProfile(0), sampleProfile(1)] },
    ];
    for (const options of refused) expect(() => createBatchScheduler(options)).toThrow(NearfreeError);
    const scheduler = createBatchScheduler({ profile, maxRequests: 2 });
    expect(() => scheduler.plan([])).toThrow("requests: expected 1 to 2 of them, received 0");
    expect(() => scheduler.plan([request(2, [])])).toThrow("slot: expected 0 to 1, received 2");
  });
});

/** Scores of a draft of which `right` tokens stood. */
function scoresOf(right: number, drafted: number, confidence = 0.7): Scores {
  const scores = createScores(drafted);
  scores.length = Math.min(drafted, right + 1);
  for (let k = 0; k < scores.length; k++) {
    scores.position[k] = k;
    scores.confidence[k] = confidence;
    scores.accepted[k] = k < right ? 1 : 0;
  }
  return scores;
}

/** Requests as a server may have them, and what becomes of them. */
const situation = fc.record({
  model: fc.constantFrom<RowsModel>("padded", "flat"),
  batch: fc.integer({ min: 1, max: 4 }),
  ratios: fc.array(fc.double({ min: 0.5, max: 4, noNaN: true }), { minLength: 1, maxLength: 24 }),
  steps: fc.array(
    fc.record({
      requests: fc.array(
        fc.record({
          confidence: fc.array(fc.float({ min: 0, max: 1, noNaN: true }), { maxLength: 12 }),
          positionLimit: fc.integer({ min: 1, max: 16 }),
          rowLimit: fc.integer({ min: 1, max: 16 }),
          contextLength: fc.nat(4096),
          latencyMs: fc.oneof(fc.constant(Number.POSITIVE_INFINITY), fc.double({ min: 0.1, max: 5, noNaN: true })),
          accepted: fc.double({ min: 0, max: 1, noNaN: true }),
        }),
        { minLength: 1, maxLength: 8 },
      ),
      slow: fc.double({ min: 0.5, max: 2, noNaN: true }),
    }),
    { minLength: 1, maxLength: 20 },
  ),
});

describe("whatever the requests are", () => {
  it("each has a position, none more than its limits, and the same history gives the same plan", () => {
    fc.assert(
      fc.property(situation, ({ model, batch, ratios, steps }) => {
        const profile = profileOf([1, ...ratios], batch);
        const options = { profile, rows: model, maxRequests: 8, maxPositions: 12 };
        const [scheduler, twin] = [createBatchScheduler(options), createBatchScheduler(options)];
        const measured = 1 + ratios.length;
        for (const { requests: drawn, slow } of steps) {
          const requests = drawn.map(({ confidence, ...limits }, slot) => request(slot, confidence, limits));
          const plan = scheduler.plan(requests);
          const same = twin.plan(requests);
          expect([same.rows, same.expectedMs, ...same.positions]).toEqual([
            plan.rows,
            plan.expectedMs,
            ...plan.positions,
          ]);
          const positions = [...plan.positions.subarray(0, drawn.length)];
          drawn.forEach(({ confidence, positionLimit, rowLimit }, i) => {
            expect(positions[i]).toBeGreaterThanOrEqual(1);
            expect(positions[i]).toBeLessThanOrEqual(Math.min(1 + confidence.length, positionLimit, rowLimit, 12));
            if (model === "padded") expect(plan.rows).toBeLessThanOrEqual(Math.max(1, rowLimit));
          });
          const total = positions.reduce((sum, n) => sum + n);
          expect(plan.rows).toBeGreaterThanOrEqual(model === "flat" ? total : Math.max(...positions));
          if (plan.rows > (model === "flat" ? drawn.length : 1)) {
            expect(plan.rows).toBeLessThanOrEqual(measured * (model === "flat" ? batch : 1));
            for (const { latencyMs } of drawn) expect(plan.expectedMs).toBeLessThanOrEqual(latencyMs);
          }
          const emitted = positions.map((n, i) => 1 + Math.floor(drawn[i]!.accepted * (n - 1)));
          const scores = positions.map((n, i) => scoresOf(emitted[i]! - 1, n - 1));
          const outcome = { emitted, scores, forwardMs: (plan.expectedMs || 1) * slow, restMs: 0.01 };
          scheduler.observe(outcome);
          twin.observe(outcome);
        }
      }),
      { numRuns: 60 },
    );
  });

  it.each(["padded", "flat"] as const)("none waits much longer than without drafts (%s)", (rows) => {
    // Thirty-one requests whose drafts always stand, and one whose drafts never do: it pays for rows that bring it nothing.
    const profile = rows === "flat" ? profileOf(line(512, 0.01)) : profileOf(line(16, 0.3), 32);
    const scheduler = createBatchScheduler({ profile, rows, mostSlowdown: 0.25 });
    const unfair = createBatchScheduler({ profile, rows, mostSlowdown: 1e9 });
    const plainMs = rows === "flat" ? 1.31 : 1;
    const slowdownOf = (scheduler: BatchScheduler) => {
      let ms = 0;
      let speculated = 0;
      const requests = Array.from({ length: 32 }, (_, slot) => request(slot, slot === 31 ? [] : sure(7)));
      for (let step = 0; step < 3000; step++) {
        const plan = scheduler.plan(requests);
        const emitted = [...plan.positions.subarray(0, 31), 1];
        if (plan.positions[0]! > 1) speculated++;
        const scores = emitted.map((n) => scoresOf(n - 1, n - 1, 0.95));
        ms += plan.expectedMs;
        scheduler.observe({ emitted, scores, forwardMs: plan.expectedMs, restMs: 0 });
      }
      expect(speculated).toBeGreaterThan(100);
      return ms / (3000 * plainMs);
    };
    expect(slowdownOf(unfair)).toBeGreaterThan(1.5);
    expect(slowdownOf(scheduler)).toBeLessThan(1.28);
  });
});
