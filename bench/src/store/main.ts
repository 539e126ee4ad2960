import { spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defaultStore } from "@nearfree/calibrate/node";
import { PROFILE_VERSION, type Profile, type ProfileKey, type ProfileStore } from "@nearfree/core";
import { createFsStore } from "@nearfree/core/fs-store";
import { benchCommand } from "../setup/bench-command.ts";

/** Profiles in a well-used cache, and points and samples of a thorough one. */
const PROFILES = 200;
const POINTS = 40;
const SAMPLES = 16;

function key(n: number): ProfileKey {
  return {
    environment: {
      runtime: "onnxruntime-node",
      runtimeVersion: "1.30.0",
      executionProvider: "cpu",
      options: { "session.disable_prepacking": "1" },
      threads: 2,
      graphOptimizationLevel: "all",
      device: { arch: "x64", cores: 2, cpu: "bench", flags: "avx avx2 avx512f avx512vl fma", platform: "linux" },
    },
    model: `bench-${n}`,
    cell: { contextLength: 256, batch: 1 },
    method: 1,
  };
}

/** A profile as large as a calibration leaves one. */
function largeProfile(n: number): Profile {
  const points = Array.from({ length: POINTS }, (_, i): Profile["points"][number] => {
    const ratio = 1 + 0.03 * i;
    const logRatios = Array.from({ length: SAMPLES }, (_, sample) =>
      Number((Math.log(ratio) + sample / 1e4).toFixed(5)),
    );
    return { positions: i + 1, ratio, low: ratio, high: ratio, samples: SAMPLES, level: "certified", logRatios };
  });
  return {
    version: PROFILE_VERSION,
    key: key(n),
    measuredAt: new Date().toISOString(),
    baseMs: 0.6,
    coldMs: 4,
    points,
    boundaries: [{ epsilon: 0.1, prefixFree: 4, level: "certified" }],
    idleCompute: { positions: 19, flopsPerSecond: 1.9e11, bytesPerSecond: 2e10, bytesPerWeight: 4 },
    invariance: {
      classes: [[1], points.slice(1).map(({ positions }) => positions)],
      maxDifference: 0,
      rows: 0,
      argmaxFlips: 0,
    },
    run: { forwards: 240, ms: 400, discards: 2, drift: 0 },
  };
}

interface Quantiles {
  readonly p50: number;
  readonly p99: number;
}

function quantiles(times: readonly number[]): Quantiles {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number) => round3(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!);
  return { p50: at(0.5), p99: at(0.99) };
}

const round3 = (value: number) => Math.round(value * 1000) / 1000;

/** Hits before those that count. */
const WARM_UP = 20;

/** Ms of a hit on one of `keys` keys in turn; `open` gives the store that is asked, and is not timed. */
async function timeHits(open: () => ProfileStore, rounds: number, keys = PROFILES): Promise<Quantiles> {
  const times: number[] = [];
  for (let round = -WARM_UP; round < rounds; round++) {
    const store = open();
    const wanted = key(Math.abs(round) % keys);
    const began = performance.now();
    const found = await store.get(wanted);
    const ms = performance.now() - began;
    if (found?.points.length !== POINTS) throw new Error("bench store: expected a hit, received a miss");
    if (round >= 0) times.push(ms);
  }
  return quantiles(times);
}

/** Ms of the first hit of a new process, nothing compiled yet. */
function timeFirstHits(root: string, rounds: number): Quantiles {
  const program = `
    import { defaultStore } from ${JSON.stringify(import.meta.resolve("@nearfree/calibrate/node"))};
    const store = defaultStore({ root: ${JSON.stringify(root)}, systemRoots: [] });
    const began = performance.now();
    const found = await store.get(${JSON.stringify(key(7))});
    console.log(found === undefined ? "miss" : performance.now() - began);`;
  const times = Array.from({ length: rounds }, () => {
    const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", program], { encoding: "utf8" });
    return Number(stdout);
  });
  return quantiles(times);
}

await benchCommand("store", "what finding a stored profile costs", async ({ quick }, say) => {
  const root = await mkdtemp(join(tmpdir(), "nearfree-bench-store-"));
  try {
    const disk = createFsStore({ root });
    for (let n = 0; n < PROFILES; n++) await disk.put(largeProfile(n));
    const rounds = quick ? 300 : 3000;
    const empty = join(root, "empty");
    const user = await timeHits(() => defaultStore({ root, systemRoots: [] }), rounds);
    const system = await timeHits(() => defaultStore({ root: empty, systemRoots: [root] }), rounds);
    const warm = defaultStore({ root, systemRoots: [] });
    const memory = await timeHits(() => warm, rounds, WARM_UP);
    const firstInProcess = timeFirstHits(root, quick ? 10 : 40);
    for (const [tier, { p50, p99 }] of Object.entries({ user, system, memory, firstInProcess })) {
      say(`${tier}: p50 ${p50} ms, p99 ${p99} ms`);
    }
    return { summary: { hitP50Ms: user.p50, hitP99Ms: user.p99 }, system, memory, firstInProcess };
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});
