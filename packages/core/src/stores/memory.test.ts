import { expect, it } from "vitest";
import { sampleKey, sampleProfile } from "../testing/sample-profile.ts";
import { describeProfileStoreContract } from "../testing/store-suite.ts";
import { createMemoryStore } from "./memory.ts";

describeProfileStoreContract("memory store", () => {
  let now = 1_000;
  const advance = (ms: number) => {
    now += ms;
  };
  return { store: createMemoryStore({ now: () => now }), advance };
});

it("forgets the least recently used profile first", async () => {
  const store = createMemoryStore({ max: 2 });
  await store.put(sampleProfile(0));
  await store.put(sampleProfile(1));
  await store.get(sampleKey(0));
  await store.put(sampleProfile(2));
  expect(await store.get(sampleKey(1))).toBeUndefined();
  expect(await store.get(sampleKey(0))).toEqual(sampleProfile(0));
});

it.each([0, -1, 1.5, Number.NaN])("refuses max %s", (max) => {
  expect(() => createMemoryStore({ max })).toThrow(/createMemoryStore max: expected a positive integer/);
});
