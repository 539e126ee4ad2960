import { sampleProfile } from "@nearfree/core/test";
import { expect, it } from "vitest";
import { gridTable } from "./grid-table.ts";

it("is a row for each context and a column for each batch, with the doubts", () => {
  const profile = (
    contextLength: number,
    batch: number,
    prefixFree: number,
    level: "certified" | "~" = "certified",
  ) => {
    const sample = sampleProfile();
    return {
      key: { ...sample.key, cell: { contextLength, batch } },
      boundaries: [{ epsilon: 0.1, prefixFree, level }],
      run: { ...sample.run, forwards: 50 },
    };
  };
  const table = gridTable([profile(512, 1, 6), profile(128, 1, 8), profile(128, 4, 4, "~")]);
  expect(table.split("\n").map((line) => line.trim().split(/\s{2,}/))).toEqual([
    ["near-free positions (epsilon 0.1) by context and batch; 150 forwards in all"],
    ["context", "batch 1", "batch 4"],
    ["128", "8", "~ 4"],
    ["512", "6", "-"],
  ]);
});
