import type { ObservableScheduler } from "../../contracts/observable-scheduler.ts";
import type { SchedulerOptions } from "../create-scheduler.ts";
import { buildScheduler } from "../create-scheduler.ts";
import { CostCorrection } from "../learning/cost.ts";
import { Survival } from "../learning/survival.ts";
import { RequestSurvival } from "./request-survival.ts";

/**
 * Schedulers for a server whose requests take turns on one session, a forward each: one scheduler for each request, from the
 * function that is returned. All correct their costs by every forward of the session, and a new request starts from what the
 * drafts of the others were worth. (Costs learned without a profile are each scheduler's own.) Their steps may overlap; a forward that had to wait for another is not measured (0 ms).
 *
 * @throws NearfreeError as `createScheduler` does, at once.
 */
export function createInterleavedSchedulers(options: SchedulerOptions = {}): () => ObservableScheduler {
  const cost = new CostCorrection();
  const survival = new Survival();
  const create = () => buildScheduler(options, { cost, survival: new RequestSurvival(survival) });
  create();
  return create;
}
