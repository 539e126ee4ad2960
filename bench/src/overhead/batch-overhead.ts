import { createRandom } from "@nearfree/calibrate";
import { type BatchRequest, createBatchScheduler, createScores, type RowsModel } from "@nearfree/core";
import { quantilesUs } from "./plan-overhead.ts";
import { steadyCurve } from "./steady-curve.ts";

const REQUESTS = 32;
const POSITIONS = 16;

/** plan() and observe() of 32 sequences with drafts of up to 15 tokens, in microseconds. */
export function batchPlanObserveUs(rows: RowsModel, rounds: number): { p50: number; p99: number } {
  const scheduler = createBatchScheduler({
    profile: steadyCurve(POSITIONS, rows === "flat" ? 0.05 : 0.15, REQUESTS),
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
