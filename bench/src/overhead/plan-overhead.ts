import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { createRandom } from "@nearfree/calibrate";
import { createScheduler, createScores, type Outcome, type Plan, type PlanRequest } from "@nearfree/core";
import { steadyCurve } from "./steady-curve.ts";

/** Positions up to which plan() and observe() are timed. */
const MOST_POSITIONS = 64;

/** plan() and observe() on situations like those of a decode, one after the other; the same for the same seed. */
class Steps {
  readonly request: PlanRequest;
  readonly outcome: Outcome;
  readonly #scheduler;
  readonly #random = createRandom(3);
  readonly #mostDrafted: number;
  #round = 0;

  constructor() {
    const profile = steadyCurve(MOST_POSITIONS, 0.05);
    this.#scheduler = createScheduler({ profile, maxPositions: MOST_POSITIONS });
    this.#mostDrafted = this.#scheduler.maxPositions - 1;
    const confidence = new Float32Array(this.#mostDrafted);
    this.request = { drafted: 0, confidence, positionLimit: 512, rowLimit: 512, contextLength: 256 };
    const scores = createScores(MOST_POSITIONS);
    this.outcome = { emitted: 1, forwardMs: profile.baseMs, draftMs: 0.002, restMs: 0.01, scores };
  }

  prepare(): void {
    const { request } = this;
    const random = this.#random;
    request.drafted = random() < 0.3 ? 0 : 1 + Math.floor(random() * this.#mostDrafted);
    request.confidence.fill(random());
    request.contextLength = 256 + (this.#round++ & 511);
  }

  plan(): Plan {
    return this.#scheduler.plan(this.request);
  }

  settle(plan: Plan): void {
    const { outcome } = this;
    const { scores } = outcome;
    outcome.emitted = 1 + Math.floor(this.#random() * plan.positions);
    outcome.forwardMs = plan.expectedMs * (0.95 + 0.1 * this.#random());
    scores.length = plan.positions - 1;
    for (let k = 0; k < scores.length; k++) {
      scores.position[k] = k;
      scores.confidence[k] = this.request.confidence[k]!;
      scores.accepted[k] = k < outcome.emitted - 1 ? 1 : 0;
    }
  }

  observe(): void {
    this.#scheduler.observe(this.outcome);
  }
}

/** One plan() and one observe() in microseconds. */
export function planObserveUs(rounds: number): { p50: number; p99: number } {
  const steps = new Steps();
  return quantilesUs(rounds, () => {
    steps.prepare();
    const began = process.hrtime.bigint();
    const plan = steps.plan();
    const middle = process.hrtime.bigint();
    steps.settle(plan);
    const resumed = process.hrtime.bigint();
    steps.observe();
    return middle - began + (process.hrtime.bigint() - resumed);
  });
}

/** Quantiles of what `round` says it took in ns, after 10,000 rounds that do not count. */
export function quantilesUs(rounds: number, round: () => bigint): { p50: number; p99: number } {
  const times = new Float64Array(rounds);
  for (let i = -10_000; i < rounds; i++) {
    const ns = round();
    if (i >= 0) times[i] = Number(ns) / 1000;
  }
  times.sort();
  return { p50: times[rounds >> 1]!, p99: times[Math.floor(rounds * 0.99)]! };
}

/** Bytes by which `steps` steps make the heap grow, garbage not counted, once everything is compiled. */
export function heapGrowthBytes(steps: number): number {
  const each = new Steps();
  const run = (count: number) => {
    for (let i = 0; i < count; i++) {
      each.prepare();
      each.settle(each.plan());
      each.observe();
    }
  };
  const collect = garbageCollector();
  run(steps / 5);
  collect();
  const before = process.memoryUsage().heapUsed;
  run(steps);
  collect();
  return process.memoryUsage().heapUsed - before;
}

/** A whole collection, without a flag on the command line. */
function garbageCollector(): () => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
}
