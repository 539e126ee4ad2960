import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMemoryStore, createScheduler, type ProfileStore, profileStanding } from "@nearfree/core";
import type { CalibrationEvent } from "@nearfree/core/measure";
import { buildDecoder, randomWeights } from "@nearfree/ort-adapter";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { TEST_SHAPE, writeModelFolder } from "../testing/model-folder.ts";
import { COSTS } from "../testing/synthetic-machine.ts";
import { timeModel } from "../testing/timed-model.ts";
import type { LoadedProfile } from "./load-or-calibrate.ts";
import { type LoadOrCalibrateGridOptions, loadOrCalibrateGrid } from "./load-or-calibrate-grid.ts";
import { type OpenModel, openModel } from "./open-model.ts";

let folder: string;
let model: OpenModel;
let decomposed: OpenModel;
let store: ProfileStore;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nearfree-grid-"));
  model = await openModel(await writeModelFolder(join(folder, "gqa")));
  const graph = buildDecoder({ shape: TEST_SHAPE, attention: "decomposed", quantisation: "fp32" }, randomWeights(1));
  decomposed = await openModel(await writeModelFolder(join(folder, "decomposed"), graph));
});
afterAll(async () => {
  await model.release();
  await decomposed.release();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(() => {
  store = createMemoryStore();
});

/** The grid of the model on a machine of scripted time. */
async function load(options: Partial<LoadOrCalibrateGridOptions> = {}) {
  const timed = timeModel(model, COSTS.decoder);
  const loaded: LoadedProfile[] = [];
  const contexts = [16, 32, 64];
  const grid = loadOrCalibrateGrid(timed.model, { store, contexts, clock: timed.clock, ...options });
  for await (const cell of grid) loaded.push(cell);
  return { loaded, forwards: timed.forwards() };
}

it("measures every context, the later ones for less; then finds them all, and a scheduler takes them together", async () => {
  const { loaded } = await load();
  expect(loaded.map(({ origin, profile }) => [origin, profile.key.cell.contextLength])).toEqual([
    ["measured", 16],
    ["measured", 64],
    ["measured", 32],
  ]);
  const [first, ...later] = loaded.map(({ profile }) => profile);
  for (const profile of later) {
    expect(profile.run.forwards).toBeLessThan(0.6 * first!.run.forwards);
    expect(profile.idleCompute).toEqual(first!.idleCompute);
  }
  const again = await load();
  expect(again.forwards).toBe(0);
  expect(again.loaded).toEqual(loaded.map(({ profile }) => ({ profile, origin: "cached" })));
  expect(createScheduler({ profile: loaded.map(({ profile }) => profile) }).maxPositions).toBe(32);
});

it("starts from what the store has, wherever it is in the grid", async () => {
  await load({ contexts: [32] });
  const { loaded } = await load();
  expect(loaded.map(({ origin }) => origin)).toEqual(["measured", "measured", "cached"]);
  const cached = loaded[2]!.profile.run.forwards;
  for (const { profile } of loaded.slice(0, 2)) expect(profile.run.forwards).toBeLessThan(0.6 * cached);
});

it("keeps the finished cells when it is aborted", async () => {
  const abort = new AbortController();
  let done = 0;
  const onEvent = ({ type }: CalibrationEvent) => {
    if (type === "done") done++;
    if (type === "sampled" && done === 1) abort.abort();
  };
  await expect(load({ signal: abort.signal, onEvent })).rejects.toMatchObject({ code: "aborted" });
  expect((await store.list()).map(({ run }) => run.stop).sort()).toEqual(["aborted", "decided"]);
  expect((await load()).loaded.map(({ origin }) => origin)).toEqual(["cached", "measured", "measured"]);
});

it("refuses what the model cannot do before anything is measured, in one line", async () => {
  const refusal = (code: string, message: RegExp) => ({ code, message: expect.stringMatching(message) });
  await expect(load({ batches: [1, 2] })).rejects.toMatchObject(
    refusal("unsupported-model", /^\[ort-adapter\] batch 2: expected attention [^\n]+decomposed attention$/),
  );
  await expect(load({ contexts: [32, 4000] })).rejects.toMatchObject(refusal("context-exceeded", /received 4000/));
  await expect(load({ contexts: [] })).rejects.toMatchObject(refusal("invalid-argument", /contexts: expected/));
  expect(await store.list()).toEqual([]);
});

it("measures several sequences of a real model with decomposed attention, each cell under its own key", async () => {
  const cells: LoadedProfile[] = [];
  const options = { store, contexts: [16, 48], batches: [1, 3], maxPositions: 4, budget: { forwards: 60 } };
  for await (const cell of loadOrCalibrateGrid(decomposed, options)) cells.push(cell);
  const keys = (profiles: readonly { key: { cell: object } }[]) => profiles.map(({ key }) => JSON.stringify(key.cell));
  const kept = cells.filter(({ profile }) => profileStanding(profile) !== "unresolved");
  expect(new Set(keys(await store.list()))).toEqual(new Set(keys(kept.map(({ profile }) => profile))));
  expect(cells).toHaveLength(4);
  for (const { profile } of cells) expect(profile.invariance.classes.flat()).toContain(1);
});
