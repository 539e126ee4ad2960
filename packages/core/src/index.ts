export type { Draft, Drafter } from "./drafter.ts";
export { createDraft } from "./drafter.ts";
export type { Cell, Environment, ProfileKey } from "./environment.ts";
export { canonicalJson, hashOf } from "./environment.ts";
export type { ErrorParts, NearfreeErrorCode } from "./errors.ts";
export { NearfreeError } from "./errors.ts";
export type { CalibrationEvent } from "./events.ts";
export type { GraphSummary, KernelClass, ModuleKind, ModuleSummary } from "./graph-summary.ts";
export type { Balance } from "./idle-compute.ts";
export { idleCompute } from "./idle-compute.ts";
export type { Plan, PlanReason } from "./plan.ts";
export type { Clock, Probe } from "./probe.ts";
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
export type { Runner, RunnerDescription } from "./runner.ts";
export type { ProfileStore } from "./store.ts";
export { createMemoryStore, DEFAULT_MEMORY_ENTRIES, type MemoryStoreOptions } from "./stores/memory.ts";
export { createTieredStore, type TieredStoreOptions } from "./stores/tiered.ts";
