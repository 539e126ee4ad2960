export { throwIfAborted } from "./contracts/abort.ts";
export { canonicalJson, hashOf } from "./contracts/environment.ts";
export { LEAN_CHUNK } from "./contracts/lean-chunk.ts";
export type { Probe, ProbeRows } from "./contracts/probe.ts";
export type { CalibrationEvent } from "./profile/calibration-event.ts";
export { invariantRows, ROUNDING_DIFFERENCE, resolveConsistency } from "./profile/consistency.ts";
export type { Balance, BalanceProbes, Workload } from "./profile/idle-compute.ts";
export { idleCompute } from "./profile/idle-compute.ts";
