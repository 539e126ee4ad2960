export type { AbortSignalLike } from "./contracts/abort.ts";
export type { BatchPart, BatchRunner, BatchRunnerDescription, RowLayout } from "./contracts/batch-runner.ts";
export type { Draft, Drafter } from "./contracts/drafter.ts";
export { createDraft } from "./contracts/drafter.ts";
export type { Cell, Environment, ProfileKey } from "./contracts/environment.ts";
export type { ErrorParts, NearfreeErrorCode } from "./contracts/errors.ts";
export { NearfreeError } from "./contracts/errors.ts";
export type { ObservableScheduler, SchedulerEvent, SchedulerListener } from "./contracts/observable-scheduler.ts";
export type { Plan, PlanReason } from "./contracts/plan.ts";
export type { Clock } from "./contracts/probe.ts";
export type { Runner, RunnerDescription } from "./contracts/runner.ts";
export type { Outcome, PlanRequest, Scheduler } from "./contracts/scheduler.ts";
export type { Scores } from "./contracts/scores.ts";
export { createScores } from "./contracts/scores.ts";
export { decode, decodeAll } from "./decode/decode.ts";
export type { NgramOptions } from "./decode/draft/ngram.ts";
export { createNgramDrafter } from "./decode/draft/ngram.ts";
export { Shadow } from "./decode/draft/shadow.ts";
export type { AtHand, DraftAtHand, RowsAtHand } from "./decode/loop-steps.ts";
export { DEFAULT_CONFIDENCE, LoopSteps } from "./decode/loop-steps.ts";
export type { DecodeOptions } from "./decode/options.ts";
export type { DecodeStats, FinishReason, StepReport } from "./decode/stats.ts";
export { argmax, verifyGreedy } from "./decode/verify/greedy.ts";
export type { Consistency } from "./profile/consistency.ts";
export type { CostCurve, CostCurveOptions } from "./profile/curve.ts";
export { createCostCurve, DEFAULT_MAX_POSITIONS } from "./profile/curve.ts";
export { expectedTokens } from "./profile/expected-tokens.ts";
export type {
  Boundary,
  CurvePoint,
  Invariance,
  Inversion,
  Level,
  Measurement,
  Profile,
  Stair,
  Stop,
} from "./profile/profile.ts";
export { DEFAULT_EPSILON, EPSILONS, PROFILE_VERSION, parseProfile, prefixFree } from "./profile/profile.ts";
export type { ProfileStanding } from "./profile/profile-standing.ts";
export { isTrusted, LEAST_RATIO, profileStanding, TRUST_MS } from "./profile/profile-standing.ts";
export type { BestAt, Worth } from "./profile/worth.ts";
export { ACCEPTANCES, worthOf } from "./profile/worth.ts";
export type { BatchOutcome, BatchPlan, BatchRequest, BatchScheduler, RowsModel } from "./schedule/batch/batch.ts";
export type { BatchSchedulerOptions } from "./schedule/batch/create-batch-scheduler.ts";
export {
  createBatchScheduler,
  DEFAULT_MAX_REQUESTS,
  DEFAULT_MOST_SLOWDOWN,
} from "./schedule/batch/create-batch-scheduler.ts";
export { createInterleavedSchedulers } from "./schedule/batch/create-interleaved-schedulers.ts";
export type { SchedulerOptions } from "./schedule/create-scheduler.ts";
export { createScheduler } from "./schedule/create-scheduler.ts";
export type { MeterLike } from "./schedule/meter.ts";
export { recordMetrics } from "./schedule/meter.ts";
export { bestValue } from "./schedule/policy/best-value.ts";
export { fixed } from "./schedule/policy/fixed.ts";
export { latency } from "./schedule/policy/latency.ts";
export { nearFree } from "./schedule/policy/near-free.ts";
export type { Policy, Situation } from "./schedule/policy/policy.ts";
export type { SchedulerCounters, SchedulerSnapshot } from "./schedule/scheduler-counters.ts";
export { countSteps } from "./schedule/scheduler-counters.ts";
export type { MemoryStoreOptions } from "./stores/memory.ts";
export { createMemoryStore, DEFAULT_MEMORY_ENTRIES } from "./stores/memory.ts";
export type { ProfileStore } from "./stores/profile-store.ts";
export type { TieredStoreOptions } from "./stores/tiered.ts";
export { createTieredStore } from "./stores/tiered.ts";
