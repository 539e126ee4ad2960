import { expect, it } from "vitest";
import { optimizedText } from "./optimized-text.ts";

const SPEED = {
  contextLength: 128,
  rows: 1,
  referenceMs: 10,
  candidateMs: 5,
  ratio: 0.5,
  low: 0.45,
  high: 0.55,
  pairs: 9,
};
const EFFECT = { logits: { largestError: 1.23e-6, medianError: 0, rows: 28, sameChoice: 27 }, speed: [SPEED] };

it("says what each step did, what it costs and brings, and what hard links mean", () => {
  const form = { step: "form", changed: true, detail: "lean: as it is", effect: EFFECT } as const;
  const text = optimizedText("model", { out: "/x/model-nearfree", weights: "linked", steps: [form] });
  expect(text).toContain(
    "form: lean: as it is\n  logits off by 1.2e-6 of their spread at most, by nothing in the middle; 27 of 28",
  );
  expect(text).toMatch(/1 row at 128 +10.0 ms +5.00 ms +0.50 +0.45 to 0.55/);
  expect(text).toContain("want --form none");
  expect(text).toContain("written to /x/model-nearfree\nIts weights are hard links");
  expect(text).not.toContain("all steps before it");
});

it("says that steps add up, and that copies are copies", () => {
  const step = { step: "accuracy-level", changed: true, detail: "3 of 3 nodes", effect: EFFECT } as const;
  const head = { ...step, step: "unprune-head" } as const;
  const text = optimizedText("model", { out: "/x", weights: "copied", steps: [head, step] });
  expect(text).toContain("all steps before it included");
  expect(text).toContain("Its weights are copies");
  expect(text).not.toContain("--form none");
});

it("says which weights are new, and which are linked", () => {
  const step = { step: "int4", changed: true, detail: "3 MatMul", effect: EFFECT } as const;
  const text = optimizedText("model", { out: "/x", weights: "linked", steps: [step] });
  expect(text).toContain("Its four-bit weights are its own; the others are hard links");
});

it("says that nothing was written", () => {
  const step = { step: "accuracy-level", changed: false, detail: "no MatMulNBits node" } as const;
  expect(optimizedText("model", { out: undefined, weights: "linked", steps: [step] })).toBe(
    "accuracy-level: nothing changed: no MatMulNBits node\n\nnothing changed, nothing written: model stands as it is",
  );
});
