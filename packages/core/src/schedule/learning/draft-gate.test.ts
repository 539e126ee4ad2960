import { expect, it } from "vitest";
import { DraftGate } from "./draft-gate.ts";
import { PROBE_SHARE } from "./time-budget.ts";

it("never stops a drafter that costs next to nothing", () => {
  const gate = new DraftGate();
  for (let i = 0; i < 50; i++) gate.observe(10, 0.05, 0);
  expect(gate.pays(0.1, 10)).toBe(true);
});

it("lets a costly drafter draft while its tokens are worth its time", () => {
  const gate = new DraftGate();
  for (let i = 0; i < 50; i++) gate.observe(14, 4, 0.5);
  expect(gate.pays(0.1, 10)).toBe(true);
  expect(gate.pays(0.2, 10)).toBe(false);
});

it("tries one that does not pay within its share of the time, and goes on when it pays again", () => {
  const gate = new DraftGate();
  for (let i = 0; i < 50; i++) gate.observe(14, 4, 0);
  let [draftMs, totalMs] = [0, 0];
  for (let step = 0; step < 1000; step++) {
    const drafts = gate.pays(0.1, 10) || gate.mayProbe;
    gate.observe(drafts ? 14 : 10, drafts ? 4 : 0, 0);
    draftMs += drafts ? 4 : 0;
    totalMs += drafts ? 14 : 10;
  }
  expect(draftMs).toBeGreaterThan(0);
  expect(draftMs / totalMs).toBeLessThanOrEqual(PROBE_SHARE * 1.1);
  for (let tries = 0; tries < 30; tries++) gate.observe(14, 4, 2);
  expect(gate.pays(0.1, 10)).toBe(true);
});
