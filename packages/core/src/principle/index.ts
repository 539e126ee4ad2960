export type { Advice, AdviseOptions, BestPositions } from "./advise.ts";
export { advise, bestPositions, DEFAULT_ACCEPTANCE } from "./advise.ts";
export type { CacheKeeping, CacheWork } from "./cache-work.ts";
export { cacheWork, keepingOf } from "./cache-work.ts";
export type { DeviceSignature, KernelSignature, SignaturePoint } from "./device-signature.ts";
export { parseSignature, SIGNATURE_VERSION } from "./device-signature.ts";
export type { GraphSummary, KernelClass, ModuleKind, ModuleSummary, RewrittenForm } from "./graph-summary.ts";
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
export type { Mechanism, ModulePrediction, PredictedBoundary, Prediction, PredictOptions } from "./predict.ts";
export { predict } from "./predict.ts";
export { predictedProfile } from "./predicted-profile.ts";
export type { PublishedDevice } from "./published-devices.ts";
export { PUBLISHED_DEVICES } from "./published-devices.ts";
export { cautiousSignature, classesOf, publishedSignature } from "./stand-in-signature.ts";
export { summaryIn } from "./summary-in.ts";
export { measuredUniqueExperts } from "./unique-experts.ts";
export type { WeightFormatName } from "./what-if.ts";
export { withActiveExperts, withExperts, withThreads, withWeights } from "./what-if.ts";
