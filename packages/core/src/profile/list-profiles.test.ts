import { expect, it } from "vitest";
import { createBatchScheduler } from "../schedule/batch/create-batch-scheduler.ts";
import { createScheduler } from "../schedule/create-scheduler.ts";
import { sampleProfile } from "../testing/sample-profile.ts";
import { createCostCurve } from "./curve.ts";
import { listProfiles } from "./list-profiles.ts";

const refusal = (text: string) =>
  expect.objectContaining({ code: "invalid-argument", message: expect.stringContaining(text) });

it("makes a list of one, several or none", () => {
  const [a, b] = [sampleProfile(0), sampleProfile(1)];
  expect(listProfiles(a)).toEqual([a]);
  expect(listProfiles([a, b])).toEqual([a, b]);
  expect(listProfiles(undefined)).toEqual([]);
});

it.each([
  ["what loadOrCalibrate returns, whole", { profile: sampleProfile(), origin: "cached" }, "an object that holds one"],
  ["an empty object", {}, "object"],
  ["null", null, "object"],
  ["a path", "profile.json", "string"],
])("refuses %s wherever a profile is taken", (_name, given, received) => {
  const profile = given as never;
  const take = [
    listProfiles,
    createCostCurve,
    ...[createScheduler, createBatchScheduler].map((f) => () => f({ profile })),
  ];
  for (const f of take) expect(() => f(profile)).toThrow(refusal(received));
});

it("a batch scheduler and a curve of nothing are refused", () => {
  expect(() => createBatchScheduler(undefined as never)).toThrow(refusal("at least one"));
  expect(() => createCostCurve(undefined as never)).toThrow(refusal("at least one profile"));
});
