import { expect, it } from "vitest";
import { setupOf, steps } from "../../testing/rival-player.ts";
import { LengthTableRule } from "./length-table.ts";

it("drafts what the table says, whatever comes of it", () => {
  const rule = new LengthTableRule(setupOf(() => 1, { tunedPositions: 5 }));
  expect(steps(rule, 3, { right: 0 })).toEqual([4, 4, 4]);
  expect(steps(new LengthTableRule(setupOf(() => 1)), 2, { right: 31 })).toEqual([0, 0]);
});
