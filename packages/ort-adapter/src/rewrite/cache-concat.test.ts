import { describe, expect, it } from "vitest";
import { intAttribute, typeAttribute } from "../build/graph-builder.ts";
import { type CacheParts, cacheGraph } from "../testing/cache-graph.ts";
import { findCacheConcat } from "./cache-concat.ts";

const find = (build: (parts: CacheParts) => void) => findCacheConcat(cacheGraph(build), "past", "present");
const half = { attributes: { to: typeAttribute("float16") } };

describe("findCacheConcat", () => {
  it.each([2, -2])("finds the joining of past and new rows, axis %d", (axis) => {
    const found = find(({ concat }) => concat("present", ["past", "rows"], axis));
    expect(found).toMatchObject({ newRows: "rows", after: [], clipped: false });
    expect(found!.node.opType).toBe("Concat");
  });

  it("looks through casts and through joinings of one, before and after", () => {
    const found = find(({ g, concat }) => {
      const wide = g.add("/wide", "Cast", [concat("alone", ["past"])], half);
      g.add("/narrow", "Cast", [g.add("/same", "Identity", [concat("joined", [wide, "rows"])])], {
        ...half,
        output: "present",
      });
    });
    expect(found!.after.map(({ opType }) => opType)).toEqual(["Identity", "Cast"]);
    expect(found).toMatchObject({ newRows: "rows", clipped: false });
  });

  it.each<[string, (parts: CacheParts) => void]>([
    [
      "the past",
      ({ g, concat }) => {
        const kept = g.add("/kept", "Slice", ["past", g.int64s(-8), g.int64s(99), g.int64s(2)]);
        concat("present", [kept, "rows"]);
      },
    ],
    [
      "the present",
      ({ g, concat }) => {
        g.add("/kept", "Slice", [concat("joined"), g.int64s(-8), g.int64s(99), g.int64s(2)], { output: "present" });
      },
    ],
  ])("says that %s is clipped to a window", (_name, build) => expect(find(build)).toMatchObject({ clipped: true }));

  it.each<[string, (parts: CacheParts) => void]>([
    ["heads joined, not positions", ({ concat }) => concat("present", ["past", "rows"], 1)],
    ["new rows in front", ({ concat }) => concat("present", ["rows", "past"])],
    ["the past twice", ({ concat }) => concat("present", ["past", "past"])],
    ["three in one", ({ concat }) => concat("present", ["past", "rows", "rows"])],
    ["a sum", ({ g }) => g.add("/sum", "Add", ["past", "rows"], { output: "present" })],
    [
      "a past that is scaled",
      ({ g, concat }) => concat("present", [g.add("/x", "Mul", ["past", g.float32(2)]), "rows"]),
    ],
    [
      "another's operator of that name",
      ({ g }) => {
        g.add("/c", "Concat", ["past", "rows"], {
          domain: "other",
          output: "present",
          attributes: { axis: intAttribute(2) },
        });
      },
    ],
  ])("knows no other way: %s", (_name, build) => expect(find(build)).toBeUndefined());
});
