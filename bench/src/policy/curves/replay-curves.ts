import { MEASURED_CURVES } from "./measured-curves.ts";
import type { ReplayCurve } from "./replay-curve.ts";
import { SHAPED_CURVES } from "./shaped-curves.ts";

export const REPLAY_CURVES: readonly ReplayCurve[] = [...MEASURED_CURVES, ...SHAPED_CURVES];
