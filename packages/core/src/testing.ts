export { sampleKey, sampleProfile } from "./testing/sample-profile.ts";
export { describeProfileStoreContract, type StoreFixture } from "./testing/store-suite.ts";
