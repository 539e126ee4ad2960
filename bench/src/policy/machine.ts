import { createRandom, type Random } from "@nearfree/calibrate";
import { PROFILE_VERSION, type Profile } from "@nearfree/core";
import { type ReplayCurve, ratiosOf } from "./curves/replay-curve.ts";
import type { Stream } from "./stream.ts";

/** Rows of the widest forward that a machine knows. */
export const WIDEST = 32;

/** What forwards really cost, and what the profile says of it. */
export interface Machine {
  /** levels[t] and kernels[t] hold at position t of the stream. */
  readonly levels: Float64Array;
  readonly kernels: Uint8Array;
  /** tables[kernel][rows-1]: ms at level 1 on an empty context. */
  readonly tables: readonly Float64Array[];
  /** perContextMs[rows-1]: ms more for each position in the KV cache. */
  readonly perContextMs: Float64Array;
  /** ms of one draft, for whoever asks for one. */
  readonly draftMs: number;
  /** As measured some time ago, with its errors; one per context length. */
  readonly profiles: readonly Profile[];
}

/** Expected ms of a forward of `rows` rows at position t, with `context` positions in the KV cache. */
export function costMs(machine: Machine, t: number, rows: number, context: number): number {
  const { levels, kernels, tables, perContextMs } = machine;
  return levels[t]! * (tables[kernels[t]!]![rows - 1]! + perContextMs[rows - 1]! * context);
}

export interface MachineOptions {
  /** Standard deviation, or half the range where `uniform`, of the profile's error at each knot. */
  readonly profileError: number;
  /** Attention grows with the context, and beyond CLIFF_CONTEXT positions more than one row need another kernel. */
  readonly growth?: boolean;
  /** Other load comes and goes, and halfway more rows become dearer for good. */
  readonly drift?: boolean;
  /** ms of one draft as a share of T(1). Default 0: a free drafter. */
  readonly draftShare?: number;
}

/** The n that a calibration measures. */
export const MEASURED_N = [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 16, 17, 24, 25, 32];
/** Where the profile's error changes: kernels differ between these, and are the same in between. */
const ERROR_KNOTS = [1, 2, 4, 8, 16, 32];
/** Half-width of a certain point of a profile. */
const INTERVAL = 0.02;

/** Attention at n = 1 and a context of 1,024, over T(1); each row more reads the cache for a third of that again. */
const ATTENTION_SHARE = 0.1;
const ATTENTION_PER_ROW = 0.3;
export const CLIFF_CONTEXT = 2048;
const CLIFF_FACTOR = 1.5;
/** Contexts that are calibrated where it matters. */
const GROWTH_CELLS = [128, 1024, 4032];
const ONE_CELL = [256];

/** The swing of other load, its period in positions, and the lasting shift of more than four rows. */
const DRIFT_SWING = 0.2;
const DRIFT_PERIOD = 700;
const DRIFT_SHIFT = 1.3;
const SHIFTED_FROM = 5;

export function createMachine(curve: ReplayCurve, stream: Stream, seed: number, options: MachineOptions): Machine {
  const { growth = false, drift = false, draftShare = 0 } = options;
  const base = ratiosOf(curve).map((ratio) => ratio * curve.baseMs);
  const levels = new Float64Array(stream.length).fill(1);
  const kernels = new Uint8Array(stream.length);
  const tables = [base];
  const perContextMs = new Float64Array(base.length);
  if (growth) {
    tables.push(base.map((ms, i) => (i === 0 ? ms : ms * CLIFF_FACTOR)));
    for (let t = 0; t < stream.length; t++) kernels[t] = stream.context[t]! > CLIFF_CONTEXT ? 1 : 0;
    const first = (ATTENTION_SHARE * curve.baseMs) / 1024;
    for (let i = 0; i < base.length; i++) perContextMs[i] = first * (1 + ATTENTION_PER_ROW * i);
  }
  if (drift) {
    tables.push(base.map((ms, i) => (i < SHIFTED_FROM - 1 ? ms : ms * DRIFT_SHIFT)));
    for (let t = 0; t < stream.length; t++) {
      levels[t] = 1 + DRIFT_SWING * Math.sin((2 * Math.PI * t) / DRIFT_PERIOD);
      kernels[t] = t > stream.length / 2 ? 1 : 0;
    }
  }
  const error = profileErrors(base.length, options.profileError, createRandom(seed));
  const profiles = (growth ? GROWTH_CELLS : ONE_CELL).map((contextLength) => {
    const beyond = growth && contextLength > CLIFF_CONTEXT;
    const ms = tables[beyond ? 1 : 0]!.map((each, i) => (each + perContextMs[i]! * contextLength) * error[i]!);
    return profileOf(curve.name, contextLength, ms);
  });
  return { levels, kernels, tables, perContextMs, draftMs: draftShare * curve.baseMs, profiles };
}

/** error[n-1]: measured over true. Uniform within +-size at each knot, even between two. */
function profileErrors(count: number, size: number, random: Random): Float64Array {
  const knots = ERROR_KNOTS.map(() => 1 + size * (2 * random() - 1));
  return Float64Array.from({ length: count }, (_, i) => {
    const right = ERROR_KNOTS.findIndex((n) => n >= i + 1);
    const left = Math.max(0, right - 1);
    const [n0, n1] = [ERROR_KNOTS[left]!, ERROR_KNOTS[right]!];
    const weight = n0 === n1 ? 0 : (i + 1 - n0) / (n1 - n0);
    return knots[left]! + weight * (knots[right]! - knots[left]!);
  });
}

/** A whole profile of a machine whose forwards of n rows take ms[n-1]; all n are one invariance class. */
export function profileOf(model: string, contextLength: number, ms: Float64Array): Profile {
  const positions = MEASURED_N.filter((n) => n <= ms.length);
  const baseMs = ms[0]!;
  return {
    version: PROFILE_VERSION,
    key: {
      environment: {
        runtime: "replay",
        runtimeVersion: "1",
        executionProvider: "replay",
        options: {},
        threads: 1,
        graphOptimizationLevel: "all",
        device: {},
      },
      model,
      cell: { contextLength, batch: 1 },
      method: 1,
    },
    measuredAt: "2026-11-24T00:00:00.000Z",
    baseMs,
    coldMs: baseMs,
    points: positions.map((n) => {
      const ratio = ms[n - 1]! / baseMs;
      const doubt = n === 1 ? 0 : INTERVAL;
      return {
        positions: n,
        ratio,
        low: ratio * (1 - doubt),
        high: ratio * (1 + doubt),
        samples: 12,
        level: "certified",
      };
    }),
    boundaries: [],
    idleCompute: { positions: 16, flopsPerSecond: 1e11, bytesPerSecond: 1e10, bytesPerWeight: 4 },
    invariance: { classes: [positions], maxDifference: 0, rows: 32, argmaxFlips: 0 },
    run: { forwards: 150, ms: 100, discards: 0, drift: 0 },
  };
}
