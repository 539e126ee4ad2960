import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { PlanRequest, Scheduler } from "../contracts/scheduler.ts";
import type { Profile } from "../profile/profile.ts";
import { sampleProfile } from "../testing/sample-profile.ts";
import type { BatchRequest } from "./batch/batch.ts";
import { createBatchScheduler } from "./batch/create-batch-scheduler.ts";
import { createScheduler } from "./create-scheduler.ts";

const profile: Profile = sampleProfile(0, [1, 1.02, 1.04, 1.06]);
const schedulers: readonly (readonly [string, () => Scheduler])[] = [
  ["a curve", () => createScheduler({ profile })],
  ["a fixed number", () => createScheduler({ policy: "fixed", positions: 3 })],
  ["no profile", () => createScheduler()],
  ["costs learned on the way", () => createScheduler({ consistency: "tolerant" })],
];
const right = (): PlanRequest => ({
  drafted: 2,
  confidence: Float32Array.of(0.9, 0.8),
  positionLimit: 8,
  rowLimit: 64,
  contextLength: 100,
});
const notWhole = fc.oneof(
  fc.constantFrom(Number.NaN, Number.NEGATIVE_INFINITY, undefined, null, "8", {}),
  fc.double({ max: -1e-9, noNaN: true }),
  fc.nat(1000).map((n) => n + 0.5),
);
const limit = fc.oneof(notWhole, fc.constant(0)) as fc.Arbitrary<never>;
const wrong: fc.Arbitrary<Partial<PlanRequest>> = fc.oneof(
  limit.map((positionLimit) => ({ positionLimit })),
  limit.map((rowLimit) => ({ rowLimit })),
  (notWhole as fc.Arbitrary<never>).map((drafted) => ({ drafted })),
  fc.integer({ min: 3, max: 1e6 }).map((drafted) => ({ drafted })),
  fc.constantFrom(Number.NaN, -1, undefined as never).map((contextLength) => ({ contextLength })),
  fc.constantFrom(undefined as never, null as never).map((confidence) => ({ confidence })),
);
const refusal = expect.objectContaining({ code: "invalid-argument", message: expect.not.stringContaining("\n") });

describe.each(schedulers)("plan() of a scheduler with %s", (_name, create) => {
  it("refuses a request out of range, names the field, and goes on as if it had not been asked", () => {
    fc.assert(
      fc.property(wrong, (parts) => {
        const scheduler = create();
        const before = { ...scheduler.plan(right()) };
        expect(() => scheduler.plan({ ...right(), ...parts })).toThrow(refusal);
        if (!("confidence" in parts)) {
          expect(() => scheduler.plan({ ...right(), ...parts })).toThrow(Object.keys(parts)[0]);
        }
        expect({ ...scheduler.plan(right()) }).toEqual(before);
      }),
    );
    expect(() => create().plan(undefined as never)).toThrow(refusal);
  });

  it("takes any request in range", () => {
    const unlimited = fc.constant(Number.POSITIVE_INFINITY);
    const anyRequest = fc.record({
      drafted: fc.nat(40),
      positionLimit: fc.oneof(unlimited, fc.integer({ min: 1, max: 99 })),
      rowLimit: fc.oneof(unlimited, fc.integer({ min: 1, max: 99 })),
      contextLength: fc.nat(9999),
    });
    fc.assert(
      fc.property(anyRequest, (parts) => {
        const plan = create().plan({ ...parts, confidence: new Float32Array(parts.drafted).fill(0.5) });
        expect(Number.isInteger(plan.positions)).toBe(true);
        expect(plan.positions).toBeLessThanOrEqual(Math.min(1 + parts.drafted, parts.positionLimit, parts.rowLimit));
      }),
    );
  });
});

describe("plan() of a batch scheduler", () => {
  const request = (slot: number, parts: object = {}): BatchRequest => ({
    ...right(),
    slot,
    latencyMs: Number.POSITIVE_INFINITY,
    ...parts,
  });

  it("refuses what is no list, and a request out of range wherever it stands", () => {
    const scheduler = createBatchScheduler({ profile });
    for (const none of [undefined, [], {}]) expect(() => scheduler.plan(none as never)).toThrow(refusal);
    fc.assert(
      fc.property(fc.oneof(wrong, fc.constant({ latencyMs: Number.NaN })), fc.nat(1), (parts, at) => {
        const requests = [0, 1].map((slot) => request(slot, slot === at ? parts : {}));
        expect(() => scheduler.plan(requests)).toThrow(refusal);
      }),
    );
  });
});

it("a scheduler smallest forward of two rows asks for room for them", () => {
  const bitwise = createScheduler({ profile, consistency: "bitwise" });
  expect(bitwise.minRows).toBe(2);
  expect(() => bitwise.plan({ ...right(), rowLimit: 1 })).toThrow(/rowLimit: expected an integer of at least 2/);
});
