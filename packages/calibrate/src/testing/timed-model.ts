import type { Clock, Runner } from "@nearfree/core";
import { createRandom } from "../measure/statistics/random.ts";
import type { OpenModel } from "../node/open-model.ts";
import type { CostFunction } from "./synthetic-machine.ts";

export interface TimedModel {
  readonly model: OpenModel;
  readonly clock: Clock;
  /** Forwards run so far. */
  forwards(): number;
}

/** A real model whose forwards take a scripted time: `cost(n)` ms, give or take `jitter` of it. */
export function timeModel(model: OpenModel, cost: CostFunction, jitter = 0.01): TimedModel {
  const random = createRandom(7);
  const { runner } = model;
  let now = 0;
  let forwards = 0;
  const timed: Runner = {
    describe: () => runner.describe(),
    get length() {
      return runner.length;
    },
    async forward(tokens, rows) {
      const logits = await runner.forward(tokens, rows);
      now += cost(tokens.length) * Math.exp(jitter * (2 * random() - 1));
      forwards++;
      return logits;
    },
    rewind: (length) => runner.rewind(length),
    release: () => runner.release(),
  };
  const clock = () => {
    now += 2e-5; // Reading a clock takes about 20 ns.
    return now;
  };
  return { model: { ...model, runner: timed }, clock, forwards: () => forwards };
}
