export type { BatchProbeOptions } from "./batch-probe.ts";
export { createBatchProbe } from "./batch-probe.ts";
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
export type { RunnableSession } from "./decoder-pass.ts";
export type { KvCacheMode } from "./find-kv-cache.ts";
export { DEFAULT_KV_CHUNK } from "./in-place-kv-cache.ts";
export type { IoTemplates, SessionIo } from "./io-names.ts";
export { DEFAULT_IO_TEMPLATES } from "./io-names.ts";
export type { Router } from "./onnx/routers.ts";
export type { BalanceProbeOptions, BalanceProbeSession } from "./probes/balance.ts";
export { createBalanceProbes, DEFAULT_WORKING_SET_BYTES } from "./probes/balance.ts";
export type { ModulePart } from "./probes/module-graph.ts";
export { hasPart, MODULE_PARTS } from "./probes/module-graph.ts";
export type { ModuleProbe, ModuleProbeOptions } from "./probes/module-probe.ts";
export { createModuleProbe } from "./probes/module-probe.ts";
export type { SignatureSession } from "./probes/probe-session.ts";
export type { SignatureProbeOptions } from "./probes/signature-probes.ts";
export { createSignatureProbes } from "./probes/signature-probes.ts";
export type { EnvironmentParts } from "./read-environment.ts";
export { readEnvironment } from "./read-environment.ts";
export type { ReadRoutingOptions } from "./routing.ts";
export { readRouting } from "./routing.ts";
export type { SessionHook } from "./sequence-hook.ts";
export type { SessionRunnerOptions } from "./session-runner.ts";
export { createSessionRunner, DEFAULT_PREFILL_CHUNK } from "./session-runner.ts";
export type { WrappedSession, WrapSessionOptions } from "./wrap-session.ts";
export { wrapSession } from "./wrap-session.ts";
