import { refuse } from "../../contracts/refuse.ts";
import { DEFAULT_MAX_POSITIONS } from "../../profile/curve.ts";
import { listProfiles } from "../../profile/list-profiles.ts";
import type { Profile } from "../../profile/profile.ts";
import type { BatchScheduler, RowsModel } from "./batch.ts";
import { BatchCost } from "./batch-cost.ts";
import { BatchRows } from "./batch-rows.ts";
import { CostedBatchScheduler } from "./costed-batch-scheduler.ts";

export const DEFAULT_MAX_REQUESTS = 32;
export const DEFAULT_MOST_SLOWDOWN = 0.25;

export interface BatchSchedulerOptions {
  /** Of batched forwards (`padded`), or of one batch whose rows count (`flat`); several may differ in context, and in batch where padded. */
  readonly profile: Profile | readonly Profile[];
  /** How rows follow from positions. Default `padded`. */
  readonly rows?: RowsModel | undefined;
  /** Most requests of a step, at most 1024. Default 32. */
  readonly maxRequests?: number | undefined;
  /** Most positions of one request. Default 32, and never more than were measured. */
  readonly maxPositions?: number | undefined;
  /** Share by which drafts of the others may slow a request down, against a server without drafts. Default 0.25. */
  readonly mostSlowdown?: number | undefined;
}

/**
 * Plans one forward for several requests by value: each request has one position, and further ones go to the draft tokens that
 * are likeliest to stand, whosever they are, as far as they pay at the server's rate (`bestValue` over all requests). No
 * request runs beyond its own limits, and none is slowed down for the others' sake for longer than `mostSlowdown` allows.
 *
 * A forward takes one time for all in it: the tightest `latencyMs` holds for all. Rows of different kernels may differ by their
 * rounding: there is no bitwise mode for several requests. Drafters are taken to be free.
 *
 * @throws NearfreeError `invalid-argument` for an option out of range, or profiles that do not belong together.
 */
export function createBatchScheduler(options: BatchSchedulerOptions): BatchScheduler {
  const { rows = "padded", maxRequests = DEFAULT_MAX_REQUESTS, mostSlowdown = DEFAULT_MOST_SLOWDOWN } = options ?? {};
  const most = options?.maxPositions ?? DEFAULT_MAX_POSITIONS;
  requireInteger("maxRequests", maxRequests, 1024);
  requireInteger("maxPositions", most, 1024);
  if (!(mostSlowdown >= 0)) refuse("mostSlowdown", "a number of at least 0", mostSlowdown, "see BatchSchedulerOptions");
  const cost = new BatchCost(listProfiles(options?.profile), rows);
  return new CostedBatchScheduler(cost, new BatchRows(rows, maxRequests, Math.min(most, cost.maxRows)), mostSlowdown);
}

function requireInteger(what: string, value: number, most: number): void {
  if (!(Number.isSafeInteger(value) && value >= 1 && value <= most))
    refuse(what, `an integer from 1 to ${most}`, value, "see BatchSchedulerOptions");
}
