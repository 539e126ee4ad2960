import { refuse } from "../contracts/refuse.ts";
import type { PlanRequest } from "../contracts/scheduler.ts";

/**
 * A request that could not be planned is refused before it becomes rows that are no number. A few comparisons; nothing is allocated
 * unless it is refused.
 *
 * @throws NearfreeError `invalid-argument`
 */
export function checkRequest(request: PlanRequest, minRows: number): void {
  const { drafted, confidence, positionLimit, rowLimit, contextLength } = request ?? missing();
  if (!(drafted >= 0 && Math.floor(drafted) === drafted)) refuse("drafted", "an integer of at least 0", drafted, HELP);
  if (!(drafted === 0 || drafted <= confidence?.length)) {
    const received = `${drafted} with ${confidence?.length ?? "no"} confidences`;
    refuse("drafted", "a confidence for every draft token", received, HELP);
  }
  if (!isLimit(positionLimit, 1)) refuse("positionLimit", "an integer of at least 1, or Infinity", positionLimit, HELP);
  if (!isLimit(rowLimit, minRows)) {
    refuse("rowLimit", `an integer of at least ${minRows} (Scheduler.minRows), or Infinity`, rowLimit, HELP);
  }
  if (!(contextLength >= 0)) refuse("contextLength", "a number of at least 0", contextLength, HELP);
}

const HELP = "see PlanRequest";

/** NaN is none. */
function isLimit(value: number, least: number): boolean {
  return value >= least && Math.floor(value) === value;
}

function missing(): never {
  return refuse("plan()", "a request", "none", HELP);
}
