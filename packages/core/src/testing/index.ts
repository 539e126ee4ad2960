export { type BatchAndAlone, type BatchRunnerSuiteOptions, describeBatchRunnerContract } from "./batch-runner-suite.ts";
export { describeDrafterContract } from "./drafter-suite.ts";
export { describeRunnerContract, type RunnerSuiteOptions } from "./runner-suite.ts";
export { sampleKey, sampleProfile } from "./sample-profile.ts";
export { sampleKernel, sampleSignature, sampleSummary } from "./sample-signature.ts";
export { createScriptedRunner, type ScriptedModelOptions, type ScriptedRunner } from "./scripted-runner.ts";
export { describeProfileStoreContract, type StoreFixture } from "./store-suite.ts";
