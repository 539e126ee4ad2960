export { assembleProfile } from "./assemble-profile.ts";
export type { CalibrateOptions } from "./calibrate.ts";
export { calibrate, DEFAULT_BUDGET_MS, DEFAULT_FORWARDS, DEFAULT_MAX_POSITIONS, METHOD_VERSION } from "./calibrate.ts";
export { DEFAULT_BALANCE_MS, type MeasureBalanceOptions, measureBalance } from "./measure-balance.ts";
export { createModelProbe, type ModelProbeOptions } from "./runner-probe.ts";
