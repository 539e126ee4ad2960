import { cautiousSignature, type GraphSummary, type ModuleSummary, predict } from "@nearfree/core/principle";
import { parseHTML } from "linkedom";
import { describe, expect, test } from "vitest";
import { fullProfile, TEST_KEY } from "../testing/profiles.ts";
import { renderReport } from "./render-report.ts";

const { document } = parseHTML("<!doctype html><html></html>");

const module: ModuleSummary = {
  name: "/model/layers.0/mlp",
  kind: "dense-ffn",
  kernel: { operator: "MatMul", activation: "float32", weight: "float32" },
  nodes: 3,
  weightBytes: 4e6,
  flopsPerPosition: 2e6,
  kvBytesPerPosition: 0,
  flopsPerContextPosition: 0,
  looseNodes: 0,
  elementsPerPosition: 0,
};

function page(operator: string): string {
  const modules = [{ ...module, kernel: { ...module.kernel, operator } }];
  const summary: GraphSummary = {
    modules,
    layers: 1,
    weightBytes: 4e6,
    flopsPerPosition: 2e6,
    kvBytesPerPosition: 0,
    unresolved: [`something about ${operator}`],
    structureHash: TEST_KEY.model,
  };
  const prediction = predict(summary, cautiousSignature(TEST_KEY.environment, summary), TEST_KEY.cell);
  return renderReport([fullProfile()], { document, predictionOf: () => prediction });
}

describe("what was predicted, beside what was measured", () => {
  const text = page("MatMul");
  const dom = parseHTML(text).document;

  test("a sentence says what limits the model", () => {
    const leads = [...dom.querySelectorAll("p.lead")].map(({ textContent }) => textContent);
    expect(leads.at(-1)).toMatch(
      /what limits this model here is the dense products, MatMul in float32 \(100% of a forward\), where/,
    );
  });

  test("the whole model and each module have a row: predicted, measured, idle compute and over-prediction", () => {
    const rows = [...dom.querySelectorAll("table")]
      .find((each) => /Predicted without a forward/.test(each.textContent ?? ""))!
      .querySelectorAll("tbody tr");
    const cells = [...rows].map((row) => [...row.querySelectorAll("th, td")].map(({ textContent }) => textContent));
    expect(cells[0]!.slice(0, 4)).toEqual(["whole model", "100%", "1", "6"]);
    expect(cells[1]!.slice(0, 4)).toEqual(["dense-ffn MatMul float32", "100%", "1", ""]);
    expect(cells[0]![5]).toBe(`${Number(cells[0]![4]).toFixed(1)}x`);
  });

  test("the figure has two more lines, and the caption says which is which", () => {
    const plain = parseHTML(renderReport([fullProfile()], { document })).document;
    const lines = (of: typeof dom) => of.querySelectorAll("figure .wide path").length;
    expect(lines(dom)).toBe(lines(plain) + 2);
    expect(dom.querySelector("figcaption")?.textContent).toContain("dashed line");
  });

  test("a name from the model is text, whatever it holds", () => {
    const hostile = page(`<img src=x onerror=alert(1)>"'`);
    const tags = (markup: string) =>
      [...parseHTML(markup).document.querySelectorAll("*")].map(({ tagName }) => tagName);
    expect(tags(hostile)).toEqual(tags(page("Other")));
    expect(hostile).not.toContain("<img");
  });
});
