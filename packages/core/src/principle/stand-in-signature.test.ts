import { describe, expect, it } from "vitest";
import { sampleSignature, sampleSummary } from "../testing/sample-signature.ts";
import { CACHE_PASSES } from "./cache-work.ts";
import { predict } from "./predict.ts";
import { cautiousSignature } from "./stand-in-signature.ts";
import { summaryIn } from "./summary-in.ts";

const FORMS = ["original", "rows", "lean"] as const;
const { environment } = sampleSignature();

/** Bytes/s by which each form's attention reads its cache. */
function rates(executionProvider: string): number[] {
  return FORMS.map((form) => {
    const summary = summaryIn(sampleSummary(), form);
    const { kernels } = cautiousSignature({ ...environment, executionProvider }, summary);
    return kernels.find(({ kernel }) => kernel.weight === undefined)!.bytesPerSecond.beyond;
  });
}

describe("cautiousSignature", () => {
  it("counts every copy of the cache, and none for a lean one", () => {
    const [original, rows, lean] = rates("cpu") as [number, number, number];
    expect(lean / original).toBeCloseTo(CACHE_PASSES["in-place"], 12);
    expect(lean / rows).toBeCloseTo(CACHE_PASSES.rows, 12);
  });

  it("counts none where the cache stays on a device", () => {
    expect(new Set(rates("webgpu")).size).toBe(1);
  });

  it("predicts one position of a long context to be cheaper with a lean cache", () => {
    const cell = { contextLength: 4_032, batch: 1 };
    const [original, , lean] = FORMS.map((form) => {
      const summary = summaryIn(sampleSummary(), form);
      return predict(summary, cautiousSignature(environment, summary), cell).costMs[0]!;
    });
    expect(lean!).toBeLessThan(original!);
  });
});
