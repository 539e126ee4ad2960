import { sampleProfile } from "@nearfree/core/test";
import { expect, it } from "vitest";
import { boundaryTable } from "./boundary-table.ts";

const idleCompute = { positions: 12, flopsPerSecond: 1, bytesPerSecond: 1, bytesPerWeight: 4 };

it("shows doubt before the figure, and says what it means", () => {
  const levels = ["certified", "~", "budget", "unresolvable"] as const;
  const boundaries = [0.05, 0.1, 0.2, 0.5].map((epsilon, i) => ({ epsilon, prefixFree: i + 1, level: levels[i]! }));
  expect(boundaryTable({ ...sampleProfile(), boundaries, idleCompute }).split("\n")).toEqual([
    "epsilon  measured  idle-compute  over-prediction",
    "   0.05         1            12            12.0x",
    "   0.10        ~2            12             6.0x",
    "   0.20        ~3            12             4.0x",
    "   0.50        ?4            12                -",
    "~ not decided: within 2% of cost, or the budget was spent",
    "? lost in noise: one position is safe",
  ]);
});

it("needs no words where everything is decided", () => {
  const boundaries = [0.05, 0.1, 0.2, 0.5].map((epsilon) => ({ epsilon, prefixFree: 4, level: "certified" as const }));
  expect(boundaryTable({ ...sampleProfile(), boundaries, idleCompute }).split("\n")).toHaveLength(5);
});
