export { describeRunnerContract, type RunnerSuiteOptions } from "./testing/runner-suite.ts";
export { sampleKey, sampleProfile } from "./testing/sample-profile.ts";
export { describeProfileStoreContract, type StoreFixture } from "./testing/store-suite.ts";
