import type { Environment } from "@nearfree/core";
import { expect, it } from "vitest";
import { environmentOf, formOf } from "./kv-form.ts";

const ENVIRONMENT: Environment = {
  runtime: "onnxruntime-node",
  runtimeVersion: "1.30.0",
  executionProvider: "cpu",
  options: { someOption: 1 },
  threads: 2,
  graphOptimizationLevel: "all",
  device: { cpu: "sample" },
};

it.each(["original", "rows", "lean"] as const)("finds form and environment again in a key: %s", (form) => {
  expect(formOf(environmentOf(ENVIRONMENT, form))).toEqual({ environment: ENVIRONMENT, form });
});

it("takes another option of that name for no form", () => {
  const environment = { ...ENVIRONMENT, options: { kvCache: "other" } };
  expect(formOf(environment)).toEqual({ environment, form: "original" });
});
