import { describe, expect, it } from "vitest";
import { intsAttribute } from "../build/graph-builder.ts";
import { type CacheParts, cacheGraph } from "../testing/cache-graph.ts";
import { traceUses } from "./cache-uses.ts";

/** What is found of a present from which `build` makes something. */
function uses(build: (parts: CacheParts & { readonly q: string }) => void) {
  const g = cacheGraph((parts) => {
    const q = parts.g.input("q", "float32", ["batch", 2, "sequence_length", 4]);
    parts.concat("present");
    build({ ...parts, q });
  });
  return traceUses(g, "present")?.map(({ kind, axes, ...rest }) => ({
    kind,
    axes: axes.join(),
    factors: "factors" in rest ? rest.factors.length : 0,
  }));
}

const perm = (...axes: number[]) => ({ attributes: { perm: intsAttribute(axes) } });

describe("traceUses", () => {
  it("finds products with keys and with values, and shapes", () => {
    const found = uses(({ g, q }) => {
      const scores = g.add("/scores", "MatMul", [q, g.add("/t", "Transpose", ["present"], perm(0, 1, 3, 2))]);
      g.add("/mix", "MatMul", [scores, "present"]);
      g.add("/shape", "Shape", ["present"]);
    });
    expect(found).toEqual([
      { kind: "keys", axes: "B,K,D,T", factors: 0 },
      { kind: "values", axes: "B,K,T,D", factors: 0 },
      { kind: "shape", axes: "B,K,T,D", factors: 0 },
    ]);
  });

  it("follows heads that are repeated for their groups, and numbers on the way", () => {
    const found = uses(({ g, q }) => {
      const alone = g.add("/alone", "Unsqueeze", ["present", g.int64s(2)]);
      const wide = g.add("/wide", "Expand", [alone, g.int64s(1, 2, 3, 1, 1)]);
      const heads = g.add("/heads", "Reshape", [wide, g.int64s(0, 6, -1, 4)]);
      const root = g.add("/root", "Sqrt", [g.float32(0.5)]);
      const turned = g.add("/t", "Transpose", [g.add("/scaled", "Mul", [heads, root])], perm(0, 1, 3, 2));
      g.add("/scores", "MatMul", [q, turned]);
    });
    expect(found).toEqual([{ kind: "keys", axes: "B,H,D,T", factors: 1 }]);
  });

  it("takes one element of a shape for a number", () => {
    const found = uses(({ g, q }) => {
      const size = g.add("/size", "Gather", [g.add("/s", "Shape", [q]), g.int64(3)]);
      g.add("/mix", "MatMul", [q, g.add("/scaled", "Div", ["present", size])]);
    });
    expect(found).toEqual([{ kind: "values", axes: "B,K,T,D", factors: 1 }]);
  });

  it.each<[string, (parts: CacheParts & { readonly q: string }) => void]>([
    ["something else done with it", ({ g }) => g.add("/x", "Softmax", ["present"])],
    ["a product from the left", ({ g, q }) => g.add("/x", "MatMul", ["present", q])],
    [
      "positions against positions",
      ({ g, q }) => {
        g.add("/x", "MatMul", [q, g.add("/t", "Transpose", ["present"], perm(0, 2, 1, 3))]);
      },
    ],
    [
      "a factor for each channel",
      ({ g, q }) => {
        const four = g.constant("four", "float32", [4], new Float32Array(4));
        g.add("/x", "MatMul", [q, g.add("/m", "Mul", ["present", four])]);
      },
    ],
    [
      "a whole shape as a factor",
      ({ g, q }) => {
        g.add("/x", "MatMul", [q, g.add("/m", "Mul", ["present", g.add("/s", "Shape", [q])])]);
      },
    ],
    [
      "an axis in another place",
      ({ g, q }) => {
        g.add("/x", "MatMul", [q, g.add("/u", "Unsqueeze", ["present", g.int64s(1)])]);
      },
    ],
    ["another's operator", ({ g, q }) => g.add("/x", "MatMul", [q, "present"], { domain: "other" })],
  ])("gives up at %s", (_name, build) => expect(uses(build)).toBeUndefined());
});
