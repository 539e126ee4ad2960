export { describeDrafterContract } from "./testing/drafter-suite.ts";
export { describeRunnerContract, type RunnerSuiteOptions } from "./testing/runner-suite.ts";
export { sampleKey, sampleProfile } from "./testing/sample-profile.ts";
export { sampleKernel, sampleSignature, sampleSummary } from "./testing/sample-signature.ts";
export { createScriptedRunner, type ScriptedModelOptions, type ScriptedRunner } from "./testing/scripted-runner.ts";
export { describeProfileStoreContract, type StoreFixture } from "./testing/store-suite.ts";
