export { assembleProfile } from "./measure/assemble-profile.ts";
export { calibrate } from "./measure/calibrate.ts";
export { CERTIFY_ALPHA } from "./measure/certify.ts";
export {
  type CalibrateGridOptions,
  type CellMeasurement,
  calibrateGrid,
  type MakeProbe,
} from "./measure/grid/calibrate-grid.ts";
export { InvarianceRecorder, type RowFacts } from "./measure/invariance.ts";
export { DEFAULT_BALANCE_MS, type MeasureBalanceOptions, measureBalance } from "./measure/measure-balance.ts";
export type { CalibrateOptions } from "./measure/options.ts";
export {
  CERTIFY_FORWARDS,
  DEFAULT_BUDGET_MS,
  DEFAULT_FORWARDS,
  DEFAULT_MAX_POSITIONS,
  METHOD_VERSION,
} from "./measure/options.ts";
export { createModelProbe, type ModelProbeOptions } from "./measure/runner-probe.ts";
export type { Random } from "./measure/statistics/random.ts";
export { createRandom, shuffled } from "./measure/statistics/random.ts";
export { median, studentQuantile, typical } from "./measure/statistics/stats.ts";
export { type MeasureSignatureOptions, measureSignature, SIGNATURE_METHOD } from "./signature/measure-signature.ts";
