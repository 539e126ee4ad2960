import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ProfileStore } from "../stores/profile-store.ts";
import { sampleKey, sampleProfile } from "./sample-profile.ts";

export interface StoreFixture {
  readonly store: ProfileStore;
  /** Frees what the fixture made. */
  readonly dispose?: () => Promise<void> | void;
  /** Moves the store's clock on, by which claims end: where it has one that a test may move. */
  readonly advance?: (ms: number) => void;
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

    it("gives one claim of a device at a time, whatever is measured on it, if it gives any", async () => {
      if (store.claim === undefined) return;
      const claims = await Promise.all(Array.from({ length: 8 }, (_, n) => store.claim!(sampleKey(n), 60_000)));
      const [held, ...others] = claims.filter((claim) => claim !== undefined);
      expect(others).toEqual([]);
      expect(await held!.renew()).toBe(true);
      const { environment } = sampleKey();
      const elsewhere = { ...sampleKey(), environment: { ...environment, device: { cores: 64 } } };
      expect(await store.claim(elsewhere, 60_000)).toBeDefined();
      await held!.release();
      expect(await store.claim(sampleKey(), 60_000)).toBeDefined();
    });

    it("gives a claim to the next when it ends by itself, and takes nothing from them for its old owner", async () => {
      if (store.claim === undefined || fixture.advance === undefined) return;
      const first = await store.claim(sampleKey(), 1_000);
      fixture.advance(900);
      expect(await first!.renew()).toBe(true);
      fixture.advance(900);
      expect(await store.claim(sampleKey(), 1_000)).toBeUndefined();
      fixture.advance(200);
      const second = await store.claim(sampleKey(), 1_000);
      expect(second).toBeDefined();
      expect(await first!.renew()).toBe(false);
      await first!.release();
      expect(await store.claim(sampleKey(), 1_000)).toBeUndefined();
      await second!.release();
      expect(await store.claim(sampleKey(), 1_000)).toBeDefined();
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
