import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ProfileStore } from "../stores/profile-store.ts";
import { sampleKey, sampleProfile } from "./sample-profile.ts";

export interface StoreFixture {
  readonly store: ProfileStore;
  /** Frees what the fixture made. */
  readonly dispose?: () => Promise<void> | void;
}

/** The contract of every `ProfileStore`, as vitest tests. `makeStore` gives an empty store that can hold at least 16 profiles. */
export function describeProfileStoreContract(
  name: string,
  makeStore: () => Promise<StoreFixture> | StoreFixture,
): void {
  describe(`${name} keeps the ProfileStore contract`, () => {
    let fixture: StoreFixture;
    let store: ProfileStore;
    beforeEach(async () => {
      fixture = await makeStore();
      store = fixture.store;
    });
    afterEach(() => fixture.dispose?.());

    it("has nothing at first", async () => {
      expect(await store.get(sampleKey())).toBeUndefined();
      expect(await store.list()).toEqual([]);
      expect(await store.delete(sampleKey())).toBe(false);
    });

    it("gives back what was put, by an equal key whatever the order of its fields", async () => {
      await store.put(sampleProfile());
      const { environment, ...rest } = sampleKey();
      const reversed = Object.fromEntries(Object.entries(environment).reverse()) as unknown as typeof environment;
      expect(await store.get({ ...rest, environment: reversed })).toEqual(sampleProfile());
    });

    it("misses when any field of the key differs", async () => {
      await store.put(sampleProfile());
      const key = sampleKey();
      const others = [
        { ...key, model: "another" },
        { ...key, method: key.method + 1 },
        { ...key, cell: { ...key.cell, contextLength: 512 } },
        { ...key, cell: { ...key.cell, batch: 2 } },
        { ...key, environment: { ...key.environment, threads: 3 } },
        { ...key, environment: { ...key.environment, options: {} } },
        { ...key, environment: { ...key.environment, device: { ...key.environment.device, cores: 4 } } },
      ];
      for (const other of others) expect(await store.get(other)).toBeUndefined();
    });

    it("replaces the profile of a key", async () => {
      await store.put(sampleProfile());
      await store.put({ ...sampleProfile(), baseMs: 2 });
      expect((await store.get(sampleKey()))?.baseMs).toBe(2);
      expect(await store.list()).toHaveLength(1);
    });

    it("lists and deletes profiles one by one", async () => {
      for (let n = 0; n < 16; n++) await store.put(sampleProfile(n));
      expect(await store.delete(sampleKey(3))).toBe(true);
      expect(await store.delete(sampleKey(3))).toBe(false);
      const models = (await store.list()).map((profile) => profile.key.model);
      expect(models.sort()).toEqual(
        Array.from({ length: 16 }, (_, n) => `sample-${n}`)
          .filter((model) => model !== "sample-3")
          .sort(),
      );
    });

    it("is out of reach of what callers do to their copies", async () => {
      const given = sampleProfile();
      await store.put(given);
      given.points.length = 0;
      const read = await store.get(sampleKey());
      read?.points.splice(1);
      expect(await store.get(sampleKey())).toEqual(sampleProfile());
    });

    it("refuses an invalid profile and keeps the old one", async () => {
      await store.put(sampleProfile());
      await expect(store.put({ ...sampleProfile(), points: [] })).rejects.toMatchObject({ code: "invalid-argument" });
      expect(await store.get(sampleKey())).toEqual(sampleProfile());
    });

    it("shows readers whole profiles while many writers replace one", async () => {
      const bases = Array.from({ length: 24 }, (_, n) => n + 1);
      await store.put({ ...sampleProfile(), baseMs: 1 });
      const reads = bases.map(() => store.get(sampleKey()));
      await Promise.all(bases.map((baseMs) => store.put({ ...sampleProfile(), baseMs })));
      for (const read of [...(await Promise.all(reads)), await store.get(sampleKey())]) {
        expect(bases).toContain(read?.baseMs);
      }
    });
  });
}
