export type { AbortSignalLike } from "./abort.ts";
export { throwIfAborted } from "./abort.ts";
export type { Advice, AdviseOptions, BestPositions } from "./advise.ts";
export { advise, bestPositions, DEFAULT_ACCEPTANCE } from "./advise.ts";
export type { BatchOutcome, BatchPlan, BatchRequest, BatchScheduler, RowsModel } from "./batch/batch.ts";
export type { BatchSchedulerOptions } from "./batch/create-batch-scheduler.ts";
export { createBatchScheduler, DEFAULT_MAX_REQUESTS, DEFAULT_MOST_SLOWDOWN } from "./batch/create-batch-scheduler.ts";
export { createInterleavedSchedulers } from "./batch/create-interleaved-schedulers.ts";
export type { Consistency } from "./consistency.ts";
export { invariantRows, ROUNDING_DIFFERENCE, resolveConsistency } from "./consistency.ts";
export type { SchedulerOptions } from "./create-scheduler.ts";
export { createScheduler } from "./create-scheduler.ts";
export type { CostCurve, CostCurveOptions } from "./curve.ts";
export { createCostCurve, DEFAULT_MAX_POSITIONS } from "./curve.ts";
export type { AtHand, DraftAtHand, RowsAtHand } from "./decode/loop-steps.ts";
export { DEFAULT_CONFIDENCE, LoopSteps } from "./decode/loop-steps.ts";
export type { DecodeOptions } from "./decode/options.ts";
export { decode, decodeAll } from "./decode/speculative.ts";
export type { DecodeStats, FinishReason, StepReport } from "./decode/stats.ts";
export type { DeviceSignature, KernelSignature, SignaturePoint } from "./device-signature.ts";
export { parseSignature, SIGNATURE_VERSION } from "./device-signature.ts";
export type { NgramOptions } from "./draft/ngram.ts";
export { createNgramDrafter } from "./draft/ngram.ts";
export { Shadow } from "./draft/shadow.ts";
export type { Draft, Drafter } from "./drafter.ts";
export { createDraft } from "./drafter.ts";
export type { Cell, Environment, ProfileKey } from "./environment.ts";
export { canonicalJson, hashOf } from "./environment.ts";
export type { ErrorParts, NearfreeErrorCode } from "./errors.ts";
export { NearfreeError } from "./errors.ts";
export type { CalibrationEvent, SchedulerEvent, SchedulerListener } from "./events.ts";
export type { GraphSummary, KernelClass, ModuleKind, ModuleSummary } from "./graph-summary.ts";
export type { Balance, BalanceProbes, Workload } from "./idle-compute.ts";
export { idleCompute } from "./idle-compute.ts";
export { copyMs, KernelModel, tableAt } from "./kernel-model.ts";
export { tabulatedRows } from "./kernel-table.ts";
export type {
  CopyWorkload,
  ElementWorkload,
  KernelWorkload,
  SignatureProbes,
  StreamWorkload,
  WorkloadSize,
} from "./kernel-workload.ts";
export type { MeterLike } from "./meter.ts";
export { recordMetrics } from "./meter.ts";
export type { Plan, PlanReason } from "./plan.ts";
export { bestValue } from "./policy/best-value.ts";
export { fixed } from "./policy/fixed.ts";
export { latency } from "./policy/latency.ts";
export { nearFree } from "./policy/near-free.ts";
export type { Policy, Situation } from "./policy/policy.ts";
export { predictedProfile } from "./predicted-profile.ts";
export type { Mechanism, ModulePrediction, PredictedBoundary, Prediction, PredictOptions } from "./principle.ts";
export { predict } from "./principle.ts";
export type { Clock, Probe, ProbeRows } from "./probe.ts";
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
} from "./profile.ts";
export { DEFAULT_EPSILON, EPSILONS, PROFILE_VERSION, parseProfile, prefixFree } from "./profile.ts";
export type { ProfileStanding } from "./profile-standing.ts";
export { profileStanding } from "./profile-standing.ts";
export type { PublishedDevice } from "./published-devices.ts";
export { PUBLISHED_DEVICES } from "./published-devices.ts";
export type { Runner, RunnerDescription } from "./runner.ts";
export type { ObservableScheduler, Outcome, PlanRequest, Scheduler } from "./scheduler.ts";
export type { SchedulerCounters, SchedulerSnapshot } from "./scheduler-counters.ts";
export { countSteps } from "./scheduler-counters.ts";
export { cautiousSignature, classesOf, publishedSignature } from "./stand-in-signature.ts";
export type { ProfileStore } from "./store.ts";
export { createMemoryStore, DEFAULT_MEMORY_ENTRIES, type MemoryStoreOptions } from "./stores/memory.ts";
export { createTieredStore, type TieredStoreOptions } from "./stores/tiered.ts";
export type { Scores } from "./survival.ts";
export { createScores } from "./survival.ts";
export { measuredUniqueExperts } from "./unique-experts.ts";
export { argmax, verifyGreedy } from "./verify/greedy.ts";
export type { WeightFormatName } from "./what-if.ts";
export { withActiveExperts, withExperts, withThreads, withWeights } from "./what-if.ts";
