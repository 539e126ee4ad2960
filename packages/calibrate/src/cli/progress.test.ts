import type { CalibrationEvent } from "@nearfree/core";
import { sampleProfile } from "@nearfree/core/test";
import { pino } from "pino";
import { expect, it } from "vitest";
import { reportProgress } from "./progress.ts";

it("one line that says what costs what, how many forwards there may be and how long they take", () => {
  const lines: string[] = [];
  let now = 0;
  const report = reportProgress(
    {
      json: false,
      log: pino({ level: "silent" }),
      progress: (line) => void lines.push(line),
      settle: () => void lines.push("settled"),
      write: () => {},
      result: () => {},
    },
    { clock: () => now },
  );
  const cell = { contextLength: 256, batch: 1 };
  const events: CalibrationEvent[] = [
    { type: "warming", cell, positions: 1 },
    { type: "sampled", cell, positions: 4, ratio: 1.1, samples: 1, level: "budget", forwards: 40, forwardLimit: 240 },
    { type: "done", cell, measurement: sampleProfile() },
  ];
  for (const event of events) {
    report(event);
    now += 1_000;
  }
  expect(lines).toEqual([
    "calibrating: warming 1 positions",
    "calibrating: 4 positions cost 1.10 times one; 40 of at most 240 forwards, at most 5 s left",
    "settled",
  ]);
});
