import { expect, it } from "vitest";
import { createScriptedRunner } from "./scripted-runner.ts";

it("passes simulated time inside forwards only", async () => {
  const runner = createScriptedRunner({ costMs: (rows) => 10 + rows });
  await runner.forward([1, 2, 3]);
  await runner.forward([4]);
  runner.rewind(1);
  expect(runner.clock()).toBe(24);
  expect(runner.forwards).toEqual([3, 1]);
  expect(runner.cached).toEqual([1]);
});
