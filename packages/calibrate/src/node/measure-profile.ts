import type { Clock, Profile, ProfileKey } from "@nearfree/core";
import type { Balance, CalibrationEvent, Probe } from "@nearfree/core/measure";
import { createBalanceProbes } from "@nearfree/ort-adapter";
import { modelLabel } from "@nearfree/ort-adapter/node";
import { assembleProfile } from "../measure/assemble-profile.ts";
import { calibrate } from "../measure/calibrate.ts";
import { measureBalance } from "../measure/measure-balance.ts";
import type { CalibrateOptions } from "../measure/options.ts";
import { loadRuntime } from "./load-runtime.ts";
import { createSession, type OpenModel } from "./open-model.ts";

export interface MeasureProfileOptions
  extends Pick<CalibrateOptions, "budget" | "certify" | "epsilon" | "maxPositions" | "seed"> {
  /** A partial profile under the same key: its samples and its balance count. */
  readonly resume?: Profile | undefined;
  /** Other cells of the same model in the same environment: hints, and the balance of the device. */
  readonly neighbours?: readonly Profile[] | undefined;
  /** Monotonic, in ms. Default `performance.now`. */
  readonly clock?: Clock | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onEvent?: ((event: CalibrationEvent) => void) | undefined;
}

/**
 * Measures the cell of `key`. An abort gives a partial profile, as `calibrate` does.
 *
 * @throws NearfreeError `aborted` when the signal fires before the first forward is done, `run-failed`.
 */
export async function measureProfile(
  model: OpenModel,
  probe: Probe,
  key: ProfileKey,
  { resume, clock = () => performance.now(), ...options }: MeasureProfileOptions,
): Promise<Profile> {
  // The balance comes first: an abort later leaves a whole record of what was measured.
  const balance =
    (resume ?? options.neighbours?.[0])?.idleCompute ?? (await deviceBalance(model, clock, options.signal));
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  const measurement = await calibrate(probe, {
    ...(Object.fromEntries(given) as Partial<CalibrateOptions>),
    clock,
    cell: key.cell,
    traits: model.traits,
    ...(resume && { resume }),
  });
  return assembleProfile({
    key,
    measurement,
    balance: { flopsPerSecond: balance.flopsPerSecond, bytesPerSecond: balance.bytesPerSecond },
    bytesPerWeight: bytesPerWeight(model),
    label: modelLabel(model.folder) ?? resume?.label,
    measuredAt: new Date(),
  });
}

/** The balance of the device as this model sees it: same execution provider, same threads, a working set of its size. */
async function deviceBalance(model: OpenModel, clock: Clock, signal: AbortSignal | undefined): Promise<Balance> {
  const { Tensor } = await loadRuntime();
  const probes = await createBalanceProbes({
    createSession: (bytes) => createSession(bytes, model.sessionOptions),
    Tensor,
    workingSetBytes: model.summary.weightBytes,
  });
  try {
    return await measureBalance(probes, { clock, ...(signal && { signal }) });
  } finally {
    await probes.release();
  }
}

/** Bytes that a forward of one position reads per multiply-add that it does: 4 for fp32, a little over 0.5 for int4. */
function bytesPerWeight({ summary }: OpenModel): number {
  return summary.weightBytes / (summary.flopsPerPosition / 2);
}
