import { describe, expect, it } from "vitest";
import { NearfreeError } from "../contracts/errors.ts";
import { sampleKey, sampleProfile } from "../testing/sample-profile.ts";
import { describeProfileStoreContract } from "../testing/store-suite.ts";
import { createMemoryStore } from "./memory.ts";
import type { ProfileStore } from "./profile-store.ts";
import { createTieredStore } from "./tiered.ts";

describeProfileStoreContract("tiered store", () => ({
  store: createTieredStore(createMemoryStore({ max: 16 }), createMemoryStore()),
}));
describeProfileStoreContract("tiered store over a read-only back", () => ({
  store: createTieredStore(createMemoryStore(), createMemoryStore(), { readOnlyBack: true }),
}));

function unwritable(store: ProfileStore): ProfileStore {
  const fail = async () => {
    throw new NearfreeError({
      code: "store-unwritable",
      from: "core",
      what: "store",
      expected: "a writable store",
      received: "EROFS",
      remedy: "use another",
    });
  };
  return { ...store, put: fail };
}

it("copies to the front what only the back had", async () => {
  const [front, back] = [createMemoryStore(), createMemoryStore()];
  await back.put(sampleProfile());
  await createTieredStore(front, back).get(sampleKey());
  expect(await front.get(sampleKey())).toEqual(sampleProfile());
});

it("answers from the back when the front cannot be written", async () => {
  const back = createMemoryStore();
  await back.put(sampleProfile());
  const store = createTieredStore(unwritable(createMemoryStore()), back);
  expect(await store.get(sampleKey())).toEqual(sampleProfile());
});

it("keeps a profile in the front when the back cannot be written, and says so", async () => {
  const store = createTieredStore(createMemoryStore(), unwritable(createMemoryStore()));
  await expect(store.put(sampleProfile())).rejects.toMatchObject({ code: "store-unwritable" });
  expect(await store.get(sampleKey())).toEqual(sampleProfile());
});

it("never writes to or deletes from a read-only back, and lets the front win", async () => {
  const [front, back] = [createMemoryStore(), createMemoryStore()];
  await back.put(sampleProfile());
  const store = createTieredStore(front, back, { readOnlyBack: true });
  await store.put({ ...sampleProfile(), baseMs: 9 });
  expect((await store.list()).map((profile) => profile.baseMs)).toEqual([9]);
  expect(await store.delete(sampleKey())).toBe(true);
  expect(await back.get(sampleKey())).toEqual(sampleProfile());
});

it("leaves the front as it is where copies would hide updates of the back", async () => {
  const [front, back] = [createMemoryStore(), createMemoryStore()];
  await back.put(sampleProfile());
  const store = createTieredStore(front, back, { readOnlyBack: true, copyToFront: false });
  expect(await store.get(sampleKey())).toEqual(sampleProfile());
  expect(await front.list()).toEqual([]);
});

describe("claims over tiers", () => {
  const unclaimed = (): ProfileStore => {
    const { claim: _, ...store } = createMemoryStore();
    return store;
  };

  it("are those of the only tier that has any, however deep it lies", async () => {
    const system = createTieredStore(unclaimed(), unclaimed(), { readOnlyBack: true });
    const store = createTieredStore(createMemoryStore(), system, { readOnlyBack: true });
    const { key } = sampleProfile();
    const first = await store.claim?.(key, 1000);
    expect(first).toBeDefined();
    expect(await store.claim?.(key, 1000)).toBeUndefined();
    await first?.release();
    expect(await store.claim?.(key, 1000)).toBeDefined();
  });

  it("are none where no tier has any: nobody is told that a turn is theirs", () => {
    expect(createTieredStore(unclaimed(), unclaimed()).claim).toBeUndefined();
  });
});
