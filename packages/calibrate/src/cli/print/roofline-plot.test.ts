import type { KernelSignature } from "@nearfree/core/principle";
import { sampleKernel } from "@nearfree/core/test";
import { expect, it } from "vitest";
import { rooflinePlot } from "./roofline-plot.ts";

/** 10 GB/s beyond the cache and 100 GFLOP/s, added up; six rows computed for one, and 64 for 64. */
const kernel = (weight = "float32") => sampleKernel({ kernel: { operator: "MatMul", activation: "float32", weight } });

const linesOf = (...kernels: KernelSignature[]) => rooflinePlot(kernels).split("\n");

it("spans from what one position reaches to what 64 do", () => {
  const [title, ...lines] = linesOf(kernel());
  expect(title).toBe("GFLOP/s reached, operands beyond the cache");
  // 64 FLOP in 2 bytes / 10 GB/s + 64 FLOP / 100 GFLOP/s = 0.84 ns; 1 FLOP in 0.2 + 0.06 ns.
  expect(lines[0]).toMatch(/^ +76\.2 \| +a$/);
  expect(lines[11]).toBe("     3.85 |a");
  expect(lines.at(-1)).toBe("a MatMul float32");
});

it("puts one mark of each class above each n of the axis", () => {
  const lines = linesOf(kernel());
  const axis = lines.at(-2)!;
  const marks = lines.flatMap((line) => (/\|.*a/.test(line) ? [line.indexOf("a", line.indexOf("|"))] : []));
  const ticks = [...axis.matchAll(/\d+/g)].map(({ index }) => index);
  expect(axis.match(/\d+/g)).toEqual(["1", "2", "4", "8", "16", "32", "64"]);
  expect(marks.toSorted((a, b) => a - b)).toEqual(ticks);
});

it("tells classes apart: narrow weights reach more with one position, and the same peak", () => {
  const lines = linesOf(kernel(), kernel("int4"));
  const rowOf = (mark: string) => lines.findIndex((line) => new RegExp(`\\|${mark}`).test(line));
  expect(rowOf("b")).toBeLessThan(rowOf("a"));
  expect(lines.at(-1)).toBe("a MatMul float32   b MatMul int4");
});

it("says so where there is nothing to draw", () => {
  expect(rooflinePlot([])).toBe("no kernel class was measured");
});
