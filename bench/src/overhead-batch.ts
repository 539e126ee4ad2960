import { createRandom } from "@nearfree/calibrate";
import { type BatchRequest, createBatchScheduler, createScores, type Profile, type RowsModel } from "@nearfree/core";
import { quantilesUs } from "./overhead-plan.ts";

const REQUESTS = 32;
const POSITIONS = 16;

/** plan() and observe() of 32 sequences with drafts of up to 15 tokens, in microseconds. */
export function batchPlanObserveUs(rows: RowsModel, rounds: number): { p50: number; p99: number } {
  const scheduler = createBatchScheduler({
    profile: curve(rows),
    rows,
    maxRequests: REQUESTS,
    maxPositions: POSITIONS,
  });
  const random = createRandom(5);
  const requests: BatchRequest[] = Array.from({ length: REQUESTS }, (_, slot) => ({
    slot,
    drafted: POSITIONS - 1,
    confidence: new Float32Array(POSITIONS - 1),
    positionLimit: 512,
    rowLimit: 512,
    contextLength: 256,
    latencyMs: Number.POSITIVE_INFINITY,
  }));
  const emitted = new Int32Array(REQUESTS);
  const scores = requests.map(() => createScores(POSITIONS));
  const outcome = { emitted, scores, forwardMs: 1, restMs: 0.05 };
  return quantilesUs(rounds, () => {
    for (const request of requests) {
      request.drafted = random() < 0.1 ? 0 : 1 + Math.floor(random() * (POSITIONS - 1));
      request.contextLength = (request.contextLength + 1) & 1023;
      for (let k = 0; k < request.drafted; k++) request.confidence[k] = 0.5 + 0.5 * random();
    }
    const began = process.hrtime.bigint();
    const plan = scheduler.plan(requests);
    const middle = process.hrtime.bigint();
    for (let i = 0; i < REQUESTS; i++) {
      const positions = plan.positions[i]!;
      emitted[i] = 1 + Math.floor(random() * positions);
      const each = scores[i]!;
      each.length = positions - 1;
      for (let k = 0; k < each.length; k++) {
        each.position[k] = k;
        each.confidence[k] = requests[i]!.confidence[k]!;
        each.accepted[k] = k < emitted[i]! - 1 ? 1 : 0;
      }
    }
    outcome.forwardMs = plan.expectedMs * (0.95 + 0.1 * random());
    const resumed = process.hrtime.bigint();
    scheduler.observe(outcome);
    return middle - began + (process.hrtime.bigint() - resumed);
  });
}

/** A curve wide enough for every draft token: what planning takes does not depend on what forwards cost, but for their number. */
function curve(rows: RowsModel): Profile {
  const batch = REQUESTS;
  const points = Array.from({ length: POSITIONS }, (_, i) => {
    const ratio = 1 + (rows === "flat" ? 0.05 : 0.15) * i;
    return { positions: i + 1, ratio, low: ratio, high: ratio, samples: 8, level: "certified" as const };
  });
  return {
    version: 1,
    key: {
      environment: {
        runtime: "none",
        runtimeVersion: "0",
        executionProvider: "none",
        options: {},
        threads: 1,
        graphOptimizationLevel: "all",
        device: {},
      },
      model: "curve",
      cell: { contextLength: 256, batch },
      method: 1,
    },
    measuredAt: "2026-01-01T00:00:00.000Z",
    baseMs: 5,
    coldMs: 5,
    points,
    boundaries: [],
    idleCompute: { positions: 1, flopsPerSecond: 1, bytesPerSecond: 1, bytesPerWeight: 4 },
    invariance: { classes: [], maxDifference: 0, rows: 0, argmaxFlips: 0 },
    run: { forwards: 0, ms: 0, discards: 0, drift: 0 },
  };
}
