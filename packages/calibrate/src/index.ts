export { assembleProfile } from "./assemble-profile.ts";
export { calibrate } from "./calibrate.ts";
export { type CalibrateGridOptions, type CellMeasurement, calibrateGrid, type MakeProbe } from "./calibrate-grid.ts";
export { CERTIFY_ALPHA } from "./certify.ts";
export { InvarianceRecorder } from "./invariance.ts";
export { DEFAULT_BALANCE_MS, type MeasureBalanceOptions, measureBalance } from "./measure-balance.ts";
export { type MeasureSignatureOptions, measureSignature, SIGNATURE_METHOD } from "./measure-signature.ts";
export type { CalibrateOptions } from "./options.ts";
export {
  CERTIFY_FORWARDS,
  DEFAULT_BUDGET_MS,
  DEFAULT_FORWARDS,
  DEFAULT_MAX_POSITIONS,
  METHOD_VERSION,
} from "./options.ts";
export type { Random } from "./random.ts";
export { createRandom, shuffled } from "./random.ts";
export { createModelProbe, type ModelProbeOptions } from "./runner-probe.ts";
export { median, studentQuantile, typical } from "./stats.ts";
