import { expect, it } from "vitest";
import { createScores } from "../contracts/scores.ts";
import { createScheduler } from "./create-scheduler.ts";
import type { MeterLike } from "./meter.ts";
import { recordMetrics } from "./meter.ts";

it("records every forward, and nothing after it was ended", () => {
  const points: [string, number, unknown][] = [];
  const meter: MeterLike = {
    createCounter: (name) => ({ add: (value, attributes) => points.push([name, value, attributes]) }),
    createHistogram: (name) => ({ record: (value, attributes) => points.push([name, value, attributes]) }),
  };
  const scheduler = createScheduler({ policy: "fixed", positions: 3 });
  const end = recordMetrics(scheduler, meter, { model: "m" });
  const step = () => {
    const confidence = Float32Array.of(0.5, 0.5);
    scheduler.plan({ drafted: 2, confidence, positionLimit: 9, rowLimit: 9, contextLength: 1 });
    scheduler.observe({ emitted: 2, forwardMs: 4, draftMs: 0, restMs: 0, scores: createScores(0) });
  };
  step();
  end();
  step();
  const model = { model: "m" };
  expect(points).toEqual([
    ["nearfree.forwards", 1, { model: "m", reason: "fixed" }],
    ["nearfree.tokens", 2, model],
    ["nearfree.draft.verified", 2, model],
    ["nearfree.draft.accepted", 1, model],
    ["nearfree.positions", 3, model],
    ["nearfree.forward.duration", 4, model],
  ]);
});
