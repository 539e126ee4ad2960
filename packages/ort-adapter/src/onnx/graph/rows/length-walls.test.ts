import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type GraphBuilder, intAttribute, typeAttribute } from "../../../build/graph-builder.ts";
import { branch, type RowsGraph, rowsGraph, traitsOf } from "../../../testing/rows-graph.ts";

/** Total length by the ways that exporters take to it. */
const TOTALS: Readonly<Record<string, (parts: RowsGraph) => string>> = {
  "the mask's shape": ({ graph, mask }) =>
    graph.add("total", "Gather", [graph.add("shape", "Shape", [mask]), graph.int64(1)]),
  "a part of the mask's shape": ({ graph, mask }) =>
    graph.add("total", "Squeeze", [
      graph.add("shape", "Shape", [mask], { attributes: { start: intAttribute(1), end: intAttribute(2) } }),
    ]),
  "the mask's sum": ({ graph, mask }) =>
    graph.add("total", "ReduceSum", [
      graph.add("cast", "Cast", [mask], { attributes: { to: typeAttribute("int32") } }),
      graph.int64s(1),
    ]),
  "the last position": ({ graph, positions }) =>
    graph.add("total", "Add", [graph.add("last", "ReduceMax", [positions]), graph.int64(1)]),
  "cache and tokens": ({ graph, tokens }) =>
    graph.add("total", "Add", [dim(graph, "past_key_values.0.key", 2), dim(graph, tokens, 1)]),
  "a running sum of the mask": ({ graph, mask }) =>
    graph.add("total", "ReduceMax", [graph.add("sum", "CumSum", [mask, graph.int64(1)])]),
};

function dim(graph: GraphBuilder, value: string, axis: number): string {
  return graph.add(`${value}/${axis}`, "Gather", [graph.add(`${value}/shape`, "Shape", [value]), graph.int64(axis)]);
}

/** Rotary tables picked by `condition`, by an If or by a Where. */
function picked({ graph, hidden }: RowsGraph, condition: string, by: "If" | "Where"): string {
  const long = graph.constant("long", "float32", [8], new Float32Array(8).fill(2));
  const short = graph.constant("short", "float32", [8], new Float32Array(8));
  const table =
    by === "Where"
      ? graph.add("table", "Where", [condition, long, short])
      : graph.add("table", "If", [condition], {
          attributes: {
            else_branch: { kind: "graph", value: branch(short) },
            then_branch: { kind: "graph", value: branch(long) },
          },
        });
  return graph.add("rotated", "Mul", [hidden, table]);
}

describe("a switch on the total length is a wall", () => {
  for (const [way, total] of Object.entries(TOTALS)) {
    for (const by of ["If", "Where"] as const) {
      it(`total by ${way}, table by ${by}: the position at index 64 is the first beyond 64`, () => {
        const model = rowsGraph((parts) =>
          picked(parts, parts.graph.add("long?", "Greater", [total(parts), parts.graph.int64(64)]), by),
        );
        expect(traitsOf(model)).toEqual({ walls: [64], window: undefined, dependence: undefined, coarse: undefined });
      });
    }
  }

  it("wherever it lies and however it is compared: the first index whose answer is another", () => {
    const operators = {
      Greater: (total: number, at: number) => total > at,
      GreaterOrEqual: (total: number, at: number) => total >= at,
      Less: (total: number, at: number) => total < at,
      LessOrEqual: (total: number, at: number) => total <= at,
    };
    fc.assert(
      fc.property(
        fc.constantFrom(...(Object.keys(operators) as (keyof typeof operators)[])),
        fc.integer({ min: -3, max: 300 }),
        fc.boolean(),
        (operator, at, swapped) => {
          const model = rowsGraph((parts) => {
            const total = TOTALS["the mask's shape"]!(parts);
            const sides = [total, parts.graph.int64(at)];
            return picked(parts, parts.graph.add("long?", operator, swapped ? sides.reverse() : sides), "If");
          });
          const answer = (index: number) =>
            swapped ? operators[operator](at, index + 1) : operators[operator](index + 1, at);
          const turns = Array.from({ length: 400 }, (_, i) => i + 1).filter((i) => answer(i) !== answer(i - 1));
          expect(traitsOf(model).walls).toEqual(turns);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("an arithmetic that cannot be solved is tried: more than three blocks of 32", () => {
    const model = rowsGraph((parts) => {
      const blocks = parts.graph.add("blocks", "Div", [TOTALS["the mask's shape"]!(parts), parts.graph.int64(32)]);
      return picked(parts, parts.graph.add("long?", "Greater", [blocks, parts.graph.int64(3)]), "If");
    });
    expect(traitsOf(model).walls).toEqual([127]);
  });

  it("graphs made to be slow are given up: numbers that double at each step, comparisons without end", () => {
    const model = rowsGraph((parts) => {
      const { graph } = parts;
      let value = TOTALS["the mask's shape"]!(parts);
      const conditions: string[] = [];
      for (let i = 0; i < 2000; i++) {
        value = graph.add(`power ${i}`, "Div", [value, value]);
        conditions.push(graph.add(`condition ${i}`, "Greater", [value, graph.int64(i)]));
      }
      const any = conditions.reduce((all, next, i) => graph.add(`or ${i}`, "Or", [all, next]));
      return picked(parts, any, "If");
    });
    expect(traitsOf(model).walls).toEqual([]);
  });

  it("inside a branch, an outer If around it", () => {
    const model = rowsGraph((parts) => {
      const { graph, mask } = parts;
      const cached = graph.input("use_cache_branch", "bool", [1]);
      const inner = (name: string, opType: string, inputs: string[]) =>
        ({ name, opType, domain: "", inputs, outputs: [name], attributes: new Map() }) as const;
      const nodes = [
        inner("sum", "ReduceSum", [mask, graph.int64s(1)]),
        inner("long?", "Greater", ["sum", graph.int64(96)]),
        inner("scale", "Where", ["long?", graph.float32(2), graph.float32(1)]),
      ];
      const scale = graph.add("chosen", "If", [cached], {
        attributes: {
          else_branch: { kind: "graph", value: branch(graph.float32(1)) },
          then_branch: { kind: "graph", value: branch("scale", nodes) },
        },
      });
      return graph.add("scaled", "Mul", [parts.hidden, scale]);
    });
    expect(traitsOf(model)).toMatchObject({ walls: [96], dependence: undefined });
  });

  it("not a comparison of each position, of fixed sizes, or one that nothing reads", () => {
    const model = rowsGraph((parts) => {
      const { graph, positions, mask } = parts;
      graph.add("unread", "Greater", [TOTALS["the mask's sum"]!(parts), graph.int64(9)]);
      const shape = graph.add("mask/shape", "Shape", [mask]);
      const free = graph.add("free?", "Equal", [shape, graph.int64s(-1, -1)]);
      const spread = graph.add("spread", "Where", [free, graph.int64s(1, 1), shape]);
      graph.add("expanded", "Expand", [mask, spread]);
      const far = graph.add("far?", "Greater", [positions, graph.int64(64)]);
      const columns = graph.add("columns", "Unsqueeze", [far, graph.int64s(2)]);
      return picked(parts, columns, "Where");
    });
    expect(traitsOf(model)).toMatchObject({ walls: [], dependence: undefined });
  });
});

describe("a switch whose place the graph does not show", () => {
  const hidden = rowsGraph((parts) => {
    const { graph } = parts;
    // A large constant whose bytes are not read: its last element is the place.
    const places = graph.lazy("places", "int64", [4096], () => new Uint8Array(8 * 4096));
    const place = graph.add("place", "Gather", [places, graph.int64(4095)]);
    return picked(parts, graph.add("long?", "Greater", [TOTALS["the mask's shape"]!(parts), place]), "If");
  });

  it("is where the config says", () => {
    expect(traitsOf(hidden, { longRopeSwitch: 4096 })).toMatchObject({ walls: [4096], dependence: undefined });
  });

  it("else no forward of several rows is safe", () => {
    expect(traitsOf(hidden)).toMatchObject({ walls: [] });
    expect(traitsOf(hidden).dependence).toContain("a switch on the length of the whole text");
  });

  it("a config alone makes no wall: the exporter froze one table", () => {
    const frozen = rowsGraph(({ hidden: rows }) => rows);
    expect(traitsOf(frozen, { longRopeSwitch: 4096 }).walls).toEqual([]);
  });
});

describe("a factor that follows the total length makes rows depend on it", () => {
  it("dynamic NTK: the base of the angles grows with the text", () => {
    const model = rowsGraph((parts) => {
      const { graph, positions, hidden } = parts;
      const float = (name: string, value: string) =>
        graph.add(name, "Cast", [value], { attributes: { to: typeAttribute("float32") } });
      const total = float("total_f", TOTALS["the last position"]!(parts));
      const stretch = graph.add("stretch", "Pow", [
        graph.add("scaled", "Div", [total, graph.float32(64)]),
        graph.float32(1.03),
      ]);
      const base = graph.add("base", "Mul", [stretch, graph.float32(10_000)]);
      const powers = graph.add("powers", "Pow", [
        base,
        graph.constant("exponents", "float32", [1, 1, 8], new Float32Array(8)),
      ]);
      const frequencies = graph.add("frequencies", "Reciprocal", [powers]);
      const column = graph.add("column", "Unsqueeze", [float("positions_f", positions), graph.int64s(2)]);
      const angles = graph.add("angles", "Mul", [column, frequencies]);
      return graph.add("rotated", "Mul", [hidden, graph.add("cos", "Cos", [angles])]);
    });
    expect(traitsOf(model).dependence).toContain("dynamic NTK");
  });

  it("positions counted on from the cache do not", () => {
    const model = rowsGraph(({ graph, tokens, hidden }) => {
      const past = dim(graph, "past_key_values.0.key", 2);
      const end = graph.add("end", "Add", [past, dim(graph, tokens, 1)]);
      const range = graph.add("range", "Range", [past, end, graph.int64(1)]);
      const rows = graph.add("rows", "Cast", [range], { attributes: { to: typeAttribute("float32") } });
      const column = graph.add("column", "Unsqueeze", [rows, graph.int64s(0, 2)]);
      const frequencies = graph.constant("frequencies", "float32", [1, 1, 8], new Float32Array(8));
      const angles = graph.add("angles", "Mul", [column, frequencies]);
      return graph.add("rotated", "Mul", [hidden, graph.add("cos", "Cos", [angles])]);
    });
    expect(traitsOf(model)).toMatchObject({ walls: [], dependence: undefined });
  });
});
