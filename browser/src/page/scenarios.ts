import { coreScenario } from "./core-scenario.ts";
import { platformScenario } from "./platform-scenario.ts";
import { sessionScenario } from "./session-scenario.ts";

/** What a test may run in a page or a worker, by name. Options and results are plain values. */
export const scenarios = { core: coreScenario, platform: platformScenario, session: sessionScenario };

export type Scenarios = typeof scenarios;
export type ScenarioName = keyof Scenarios;

export interface ScenarioCall {
  readonly name: ScenarioName;
  readonly options: unknown;
}

/** A call as it arrives from outside: whoever sent it saw to the types. */
export function runScenario({ name, options }: ScenarioCall): Promise<unknown> {
  return (scenarios[name] as (options: unknown) => Promise<unknown>)(options);
}
