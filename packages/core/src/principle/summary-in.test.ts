import { expect, it } from "vitest";
import { sampleSummary } from "../testing/sample-signature.ts";
import { classesOf } from "./stand-in-signature.ts";
import { summaryIn } from "./summary-in.ts";

it("names the form in the class of every attention, and changes nothing else", () => {
  const summary = sampleSummary();
  const lean = summaryIn(summary, "lean");
  expect(classesOf(lean)).toEqual([
    { operator: "MatMul", activation: "float32", weight: "float32" },
    { operator: "GroupQueryAttention", activation: "float32", cache: "lean" },
  ]);
  const { modules, ...rest } = lean;
  expect({ ...rest, modules: summary.modules }).toEqual(summary);
  expect(modules.map(({ kernel, ...module }) => module)).toEqual(
    summary.modules.map(({ kernel, ...module }) => module),
  );
});

it("is the graph as it is in the original form", () => {
  const summary = sampleSummary();
  expect(summaryIn(summary, "original")).toBe(summary);
});
