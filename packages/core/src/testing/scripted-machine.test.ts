import { expect, it } from "vitest";
import { createScheduler } from "../schedule/create-scheduler.ts";
import { mulberry } from "./mulberry.ts";
import { createScriptedText, fixedMsPerToken, walkText } from "./scripted-machine.ts";

it("decodes a text as a fixed number of positions does, at its price", () => {
  const text = createScriptedText(0.6, 500, mulberry(1));
  for (const positions of [1, 2, 5]) {
    let ms = 0;
    let tokens = 0;
    walkText(createScheduler({ policy: "fixed", positions }), text, { costMs: (rows) => 1 + rows }, 1000, (step) => {
      ms += step.ms;
      tokens += step.emitted;
    });
    expect(tokens).toBe(500);
    // The last steps have fewer tokens to draft.
    expect(ms / tokens / fixedMsPerToken(text, positions, 1 + positions)).toBeCloseTo(1, 1);
  }
});
