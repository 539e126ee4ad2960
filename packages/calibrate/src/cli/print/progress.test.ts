import type { CalibrationEvent } from "@nearfree/core/measure";
import { sampleProfile } from "@nearfree/core/test";
import { pino } from "pino";
import { expect, it } from "vitest";
import { reportProgress } from "./progress.ts";

it("names the cells of a grid, and says how long the rest of it takes once one is done", () => {
  const lines: string[] = [];
  let now = 0;
  let after = 2;
  const output = {
    log: pino({ level: "silent" }),
    progress: (line: string) => void lines.push(line),
    settle: () => {},
  };
  const report = reportProgress(output, { clock: () => now, cellsAfter: () => after });
  const cell = { contextLength: 256, batch: 2 };
  const measurement = { ...sampleProfile(), run: { ...sampleProfile().run, ms: 30_000 } };
  const sampled = { type: "sampled", cell, positions: 4, ratio: 1.1, samples: 1, level: "budget" } as const;
  report({ type: "warming", cell, positions: 1 });
  now = 1_000;
  report({ ...sampled, forwards: 40, forwardLimit: 240 });
  report({ type: "done", cell, measurement });
  after = 1;
  report({ type: "warming", cell, positions: 1 });
  now = 2_000;
  report({ ...sampled, forwards: 40, forwardLimit: 240 });
  const first = "calibrating context 256, batch 2: 4 positions cost 1.10 times one; 40 of at most 240 forwards, ";
  expect(lines.filter((line) => line.includes("cost"))).toEqual([
    `${first}cells to come: 2`,
    `${first}at most 35 s left, cells to come: 1`,
  ]);
});

it("one line that says what costs what, how many forwards there may be and how long they take", () => {
  const lines: string[] = [];
  let now = 0;
  const report = reportProgress(
    {
      log: pino({ level: "silent" }),
      progress: (line) => void lines.push(line),
      settle: () => void lines.push("settled"),
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
