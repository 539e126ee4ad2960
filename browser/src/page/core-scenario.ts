import {
  createCostCurve,
  createMemoryStore,
  createNgramDrafter,
  createScheduler,
  createTieredStore,
  decode,
  decodeAll,
  NearfreeError,
  type Profile,
  parseProfile,
  prefixFree,
  type SchedulerOptions,
  verifyGreedy,
} from "@nearfree/core";
import { canonicalJson, hashOf } from "@nearfree/core/measure";
import { createScriptedRunner } from "@nearfree/core/test";

const PROMPT = [5, 9, 5, 9, 5, 9, 5];
const NEW_TOKENS = 80;
const SCHEDULES: readonly SchedulerOptions[] = [
  {},
  { policy: "near-free" },
  { policy: "latency", latencyMs: 1 },
  { policy: "fixed", positions: 4 },
  { consistency: "bitwise" },
];

/**
 * What @nearfree/core makes of a profile. Its steps pass on simulated time, so that the result is the same wherever this runs: in
 * Node, a page or a worker.
 */
export async function coreScenario({ profile: json }: { readonly profile: unknown }) {
  const profile = parseProfile(json);
  if (profile === undefined) throw new Error("a valid profile was refused");
  const emitted = new Int32Array(2);
  return {
    key: canonicalJson(profile.key),
    hash: hashOf(profile.key),
    refusesNoPoints: parseProfile({ ...profile, points: [] }) === undefined,
    prefixFree: prefixFree(profile, 0.1),
    costMs: Array.from(createCostCurve(profile).costMs),
    accepted: verifyGreedy(Float32Array.of(0, 1, 1, 0), 2, Int32Array.of(1), 1, emitted),
    emitted: Array.from(emitted),
    plain: await scriptedDecode({ policy: "fixed", positions: 1 }),
    scheduled: await Promise.all(SCHEDULES.map((schedule) => scriptedDecode({ ...schedule, profile }))),
    stores: await fillStores(profile),
    aborted: await abortedDecode(),
    byDefaultClock: await defaultClockDecode(),
  };
}

async function scriptedDecode(schedule: SchedulerOptions) {
  const runner = createScriptedRunner({ repetition: 0.95, costMs: (rows) => 0.6 + 0.01 * rows });
  const { tokens, stats } = await decodeAll({
    runner,
    scheduler: createScheduler(schedule),
    drafter: createNgramDrafter(),
    prompt: PROMPT,
    maxNewTokens: NEW_TOKENS,
    clock: runner.clock,
  });
  const { forwards, accepted, forwardMs, reasons, finish } = stats;
  return { tokens, forwards, accepted, forwardMs, reasons, finish };
}

async function fillStores(profile: Profile) {
  const front = createMemoryStore({ max: 2 });
  const back = createMemoryStore();
  const store = createTieredStore(front, back);
  for (const model of ["a", "b", "c"]) await store.put({ ...profile, key: { ...profile.key, model } });
  const deleted = await store.delete({ ...profile.key, model: "b" });
  return {
    found: await store.get({ ...profile.key, model: "a" }),
    missed: (await store.get(profile.key)) === undefined,
    deleted,
    listed: (await store.list()).map(({ key }) => key.model).sort(),
  };
}

/** The platform's own AbortSignal ends a decode between forwards. */
async function abortedDecode() {
  const abort = new AbortController();
  const runner = createScriptedRunner();
  const tokens: number[] = [];
  try {
    for await (const token of decode({ runner, scheduler: createScheduler(), prompt: PROMPT, signal: abort.signal })) {
      tokens.push(token);
      if (tokens.length === 3) abort.abort();
    }
    return { code: "none", tokens };
  } catch (error) {
    return { code: error instanceof NearfreeError ? error.code : String(error), tokens };
  }
}

/** Without a clock of the caller's, times come from the platform's; only whether they are times is kept. */
async function defaultClockDecode() {
  const scheduler = createScheduler();
  const { tokens, stats } = await decodeAll({
    runner: createScriptedRunner(),
    scheduler,
    prompt: PROMPT,
    maxNewTokens: 8,
  });
  return { tokens, timed: Number.isFinite(stats.decodeMs) && stats.decodeMs >= 0 && stats.forwardMs <= stats.decodeMs };
}
