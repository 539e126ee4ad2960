import { type Measurement, PROFILE_VERSION, type Profile, type ProfileKey } from "@nearfree/core";
import { type Balance, idleCompute } from "@nearfree/core/measure";

/**
 * A whole profile: the measurement of a cell, named by its key, beside what balance alone predicts.
 *
 * `bytesPerWeight` is the model's: 4 for fp32, 0.5 (and its scales) for int4. `measuredAt` is information only.
 */
export function assembleProfile(parts: {
  readonly key: ProfileKey;
  readonly measurement: Measurement;
  readonly balance: Balance;
  readonly bytesPerWeight: number;
  /** What people call the model. */
  readonly label?: string | undefined;
  readonly measuredAt: Date;
}): Profile {
  const { key, label, measurement, balance, bytesPerWeight, measuredAt } = parts;
  const baseline = { ...balance, bytesPerWeight };
  return {
    version: PROFILE_VERSION,
    key,
    ...(label !== undefined && { label }),
    measuredAt: measuredAt.toISOString(),
    ...measurement,
    idleCompute: { positions: idleCompute(baseline), ...baseline },
  };
}
