export { buildDecoder } from "./build/decoder.ts";
export type {
  AttentionKind,
  DecoderShape,
  DecoderSpec,
  DecoderWeights,
  Quantisation,
} from "./build/decoder-spec.ts";
export { GENERATED_SHAPES } from "./build/generated-shapes.ts";
export type { Matrix } from "./build/matrix.ts";
export { randomWeights } from "./build/random-weights.ts";
export type { EnvironmentParts } from "./environment/read-environment.ts";
export { readEnvironment } from "./environment/read-environment.ts";
export type { SessionHook } from "./hook/sequence-hook.ts";
export type { WrappedSession, WrapSessionOptions } from "./hook/wrap-session.ts";
export { wrapSession } from "./hook/wrap-session.ts";
export type { KvSizes } from "./onnx/graph/classify-io.ts";
export type { RowTraits } from "./onnx/graph/rows/row-traits.ts";
export type { Router } from "./onnx/write/routers.ts";
export type { BalanceProbeOptions, BalanceProbeSession } from "./probes/balance.ts";
export { createBalanceProbes, DEFAULT_WORKING_SET_BYTES } from "./probes/balance.ts";
export type { ModulePart } from "./probes/module-graph.ts";
export { hasPart, MODULE_PARTS } from "./probes/module-graph.ts";
export type { ModuleProbe, ModuleProbeOptions } from "./probes/module-probe.ts";
export { createModuleProbe } from "./probes/module-probe.ts";
export type { SignatureSession } from "./probes/probe-session.ts";
export type { SignatureProbeOptions } from "./probes/signature-probes.ts";
export { createSignatureProbes } from "./probes/signature-probes.ts";
export type { RewriteBytesOptions, RewrittenBytes } from "./rewrite/rewrite-bytes.ts";
export { rewriteModelBytes } from "./rewrite/rewrite-bytes.ts";
export { REWRITE_VERSION } from "./rewrite/rewrite-decoder.ts";
export type { BatchRunnerOptions } from "./runner/batch/batch-runner.ts";
export { createBatchRunner } from "./runner/batch/batch-runner.ts";
export type { BatchProbeOptions } from "./runner/batch-probe.ts";
export { createBatchProbe } from "./runner/batch-probe.ts";
export { DEFAULT_KV_CHUNK } from "./runner/cache/in-place-kv-cache.ts";
export type { RunnableSession } from "./runner/decoder-pass.ts";
export type { SessionIo } from "./runner/io-names.ts";
export type { IoTemplates } from "./runner/io-templates.ts";
export { DEFAULT_IO_TEMPLATES } from "./runner/io-templates.ts";
export { ortMessage } from "./runner/ort-message.ts";
export type { ReadRoutingOptions } from "./runner/routing.ts";
export { readRouting } from "./runner/routing.ts";
export type { SessionRunnerOptions } from "./runner/session-runner.ts";
export { createSessionRunner, DEFAULT_PREFILL_CHUNK, seedRunner } from "./runner/session-runner.ts";
export type { RunnerDifference } from "./runner/trial/compare-runners.ts";
export { compareRunners } from "./runner/trial/compare-runners.ts";
export type { KvCacheMode } from "./runner/trial/find-kv-cache.ts";
