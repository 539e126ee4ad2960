import { createMemoryStore, NearfreeError, type ProfileStore } from "@nearfree/core";
import { sampleKey, sampleProfile } from "@nearfree/core/test";
import { expect, it } from "vitest";
import { takeTurn } from "./take-turn.ts";

const HOUR = 3_600_000;

it("gives the turn to one, and to the next when it ends", async () => {
  const store = createMemoryStore();
  const first = await takeTurn(store, sampleKey());
  expect(first.turn).toBe("own");
  let waits = 0;
  const second = takeTurn(store, sampleKey(), { onWait: () => void waits++ });
  await first.turn;
  if (first.turn === "own") await first.end();
  expect((await second).turn).toBe("own");
  expect(waits).toBeLessThanOrEqual(1);
});

it("ends the wait where the profile is stored meanwhile, but not with one that was known, or that noise hid", async () => {
  const store = createMemoryStore();
  await store.claim!(sampleKey(), HOUR);
  await store.put(sampleProfile());
  const known = { known: sampleProfile(), waitMs: 0 };
  expect(await takeTurn(store, sampleKey(), known)).toMatchObject({ turn: "shared", crowded: true });
  const later = { ...sampleProfile(), measuredAt: "2026-02-01T00:00:00.000Z" };
  await store.put({ ...later, run: { ...later.run, stop: "unresolvable" } });
  expect(await takeTurn(store, sampleKey(), known)).toMatchObject({ turn: "shared", crowded: true });
  await store.put(later);
  expect(await takeTurn(store, sampleKey(), known)).toEqual({ turn: "done", profile: later });
  expect(await takeTurn(store, sampleKey(), { ...known, fresh: true })).toMatchObject({
    turn: "shared",
    crowded: true,
  });
});

it("measures at once where the store gives no claims, or cannot", async () => {
  const { claim: _, ...without } = createMemoryStore();
  const unwritable: ProfileStore = {
    ...without,
    claim: async () => {
      const parts = { what: "store", expected: "a writable one", received: "EROFS", remedy: "use another" };
      throw new NearfreeError({ code: "store-unwritable", from: "core", ...parts });
    },
  };
  for (const store of [without, unwritable]) {
    expect(await takeTurn(store, sampleKey())).toMatchObject({ turn: "shared", crowded: false });
  }
});

it("an abort ends the wait with an error", async () => {
  const store = createMemoryStore();
  await store.claim!(sampleKey(), HOUR);
  const abort = new AbortController();
  const turn = takeTurn(store, sampleKey(), { signal: abort.signal, onWait: () => abort.abort() });
  await expect(turn).rejects.toMatchObject({ code: "aborted", message: expect.not.stringContaining("\n") });
});
