import { expect, test } from "vitest";
import { plainProfile, TEST_KEY } from "../testing/profiles.ts";
import { groupProfiles } from "./group-profiles.ts";

const at = (contextLength: number, batch: number, measuredAt: string, model = TEST_KEY.model) =>
  plainProfile({ key: { cell: { contextLength, batch }, model }, measuredAt });

test("a group is one model in one environment, its cells in order, the newest group first", () => {
  const old = [at(1024, 1, "2026-01-01"), at(128, 4, "2026-01-02"), at(128, 1, "2026-01-01")];
  const groups = groupProfiles([...old, at(128, 1, "2026-01-03", "another")]);
  expect(groups.map(({ model }) => model)).toEqual(["another", TEST_KEY.model]);
  expect(groups[1]!.profiles.map(({ key }) => [key.cell.contextLength, key.cell.batch])).toEqual([
    [128, 1],
    [1024, 1],
    [128, 4],
  ]);
});

test("environments and methods are kept apart; of one cell the newer profile stays", () => {
  const { environment } = TEST_KEY;
  const groups = groupProfiles([
    at(128, 1, "2026-01-01"),
    at(128, 1, "2026-01-02"),
    plainProfile({ key: { environment: { ...environment, threads: 1 } }, measuredAt: "2025-01-02" }),
    plainProfile({ key: { method: 1 }, measuredAt: "2025-01-01" }),
  ]);
  expect(groups.map(({ profiles }) => profiles.map(({ measuredAt }) => measuredAt))).toEqual([
    ["2026-01-02"],
    ["2025-01-02"],
    ["2025-01-01"],
  ]);
});
