import { InferenceSession, Tensor } from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { intsAttribute, typeAttribute } from "../build/graph-builder.ts";
import type { Model } from "../onnx/model.ts";
import { encodeModelToBytes } from "../onnx/write/writer.ts";
import { type CacheParts, cacheGraph } from "../testing/cache-graph.ts";
import { rewriteDecoder } from "./rewrite-decoder.ts";

const CACHE = [{ past: "past", present: "present", heads: 2, headDim: 4 }];
const LIVE = 5;
const CAPACITY = 8;
const wave = (length: number, shift: number) => Float32Array.from({ length }, (_, i) => Math.sin(1.3 * i + shift));

/** What a test makes of the joined cache; its result is the output `y`. */
type Use = (parts: CacheParts, present: string, q: string) => string;

function graphOf(heads: number, use: Use): Model {
  return cacheGraph((parts) => {
    const { g, concat } = parts;
    const q = g.input("q", "float32", ["batch", heads, "sequence_length", 4]);
    g.add("/y", "Identity", [use(parts, concat("present"), q)], { output: "y" });
    g.output("y", "float32", undefined as never);
  }).build();
}

/** Runs the graph and its rewrite on the same past: outputs of both, rows of the cache of both. */
async function runBoth(heads: number, use: Use, rows: number) {
  const model = graphOf(heads, use);
  const rewrite = rewriteDecoder(model, CACHE);
  if (rewrite.form === "none") throw new Error(rewrite.reason);
  const news = new Tensor("float32", wave(2 * rows * 4, 1), [1, 2, rows, 4]);
  const q = new Tensor("float32", wave(heads * rows * 4, 2), [1, heads, rows, 4]);
  const live = wave(2 * LIVE * 4, 3);
  const roomy = new Float32Array(2 * CAPACITY * 4).fill(1e6);
  for (const head of [0, 1]) roomy.set(live.subarray(head * LIVE * 4, (head + 1) * LIVE * 4), head * CAPACITY * 4);
  const run = async (graph: Model, feeds: Record<string, Tensor>) => {
    const session = await InferenceSession.create(encodeModelToBytes(graph), { logSeverityLevel: 3 });
    const results = await session.run(feeds);
    await session.release();
    return results;
  };
  const right = await run(model, { past: new Tensor("float32", live, [1, 2, LIVE, 4]), rows: news, q });
  const length = new Tensor("int64", BigInt64Array.of(BigInt(LIVE)), [1]);
  const past = new Tensor("float32", roomy, [1, 2, CAPACITY, 4]);
  const found = await run(rewrite.model, { past, rows: news, q, nearfree_past_length: length });
  return { form: rewrite.form, model: rewrite.model, right, found, news };
}

const perm = (...axes: number[]) => ({ attributes: { perm: intsAttribute(axes) } });
const softmax = ({ g }: CacheParts, scores: string) => g.add("/shares", "Softmax", [scores]);

/** Attention with keys for values: what is joined is used in both products. */
const USES: [string, number, Use][] = [
  [
    "a head each",
    2,
    (parts, present, q) => {
      const { g } = parts;
      const scores = g.add("/scores", "MatMul", [q, g.add("/t", "Transpose", [present], perm(0, 1, 3, 2))]);
      return g.add("/mix", "MatMul", [softmax(parts, scores), present]);
    },
  ],
  [
    "heads repeated for their groups",
    6,
    (parts, present, q) => {
      const { g } = parts;
      const wide = g.add("/wide", "Expand", [
        g.add("/alone", "Unsqueeze", [present, g.int64s(2)]),
        g.int64s(1, 2, 3, 1, 1),
      ]);
      const heads = g.add("/heads", "Reshape", [wide, g.int64s(1, 6, -1, 4)]);
      const scores = g.add("/scores", "MatMul", [q, g.add("/t", "Transpose", [heads], perm(0, 1, 3, 2))]);
      return g.add("/mix", "MatMul", [softmax(parts, scores), heads]);
    },
  ],
  [
    "heads and batch in one axis",
    2,
    (parts, present, q) => {
      const { g } = parts;
      const flat = g.add("/flat", "Reshape", [present, g.int64s(2, -1, 4)]);
      const queries = g.add("/queries", "Reshape", [q, g.int64s(2, -1, 4)]);
      const scores = g.add("/scores", "MatMul", [queries, g.add("/t", "Transpose", [flat], perm(0, 2, 1))]);
      return g.add("/mix", "MatMul", [softmax(parts, scores), flat]);
    },
  ],
  [
    "keys and values scaled on the way",
    2,
    (parts, present, q) => {
      const { g } = parts;
      const scaled = g.add("/scaled", "Div", [g.add("/half", "Mul", [present, g.float32(0.5)]), g.float32(3)]);
      const scores = g.add("/scores", "MatMul", [q, g.add("/t", "Transpose", [scaled], perm(0, 1, 3, 2))]);
      return g.add("/mix", "MatMul", [softmax(parts, scores), scaled]);
    },
  ],
  [
    "the shapes of past and present",
    2,
    (parts, present, q) => {
      const { g } = parts;
      const mix = g.add("/mix", "MatMul", [
        softmax(parts, g.add("/scores", "MatMul", [q, g.add("/t", "Transpose", [present], perm(0, 1, 3, 2))])),
        present,
      ]);
      const length = (name: string, value: string) => {
        const size = g.add(`/${name}/size`, "Gather", [g.add(`/${name}/shape`, "Shape", [value]), g.int64(2)]);
        return g.add(`/${name}/float`, "Cast", [size], { attributes: { to: typeAttribute("float32") } });
      };
      return g.add("/moved", "Add", [g.add("/far", "Mul", [mix, length("present", present)]), length("past", "past")]);
    },
  ],
];

describe.each(USES)("products over a joined cache: %s", (_name, heads, use) => {
  it.each([1, 4])("are those over past and new rows apart, %d new rows", async (rows) => {
    const { form, model, right, found, news } = await runBoth(heads, use, rows);
    expect(form).toBe("lean");
    expect(found.y!.dims).toEqual(right.y!.dims);
    const [a, b] = [right.y!.data as Float32Array, found.y!.data as Float32Array];
    expect(Math.max(...a.map((value, i) => Math.abs(value - b[i]!)))).toBeLessThan(1e-5);
    expect(found.present!.data).toEqual(news.data);
    // Nothing joins the past with anything: its products and its shape are all that is read.
    const readers = model.graph.nodes.filter(({ inputs }) => inputs.includes("past")).map(({ opType }) => opType);
    expect(new Set(readers)).toEqual(new Set(readers.includes("Shape") ? ["Unsqueeze", "Shape"] : ["Unsqueeze"]));
  });
});

describe("a cache of which something else is made", () => {
  it.each([1, 3])("is joined inside as before, %d new rows, and gives its new rows alone", async (rows) => {
    const { form, right, found, news } = await runBoth(2, ({ g }, present) => g.add("/cube", "Tanh", [present]), rows);
    expect(form).toBe("rows");
    expect(found.y!.data).toEqual(right.y!.data);
    expect(found.present!.data).toEqual(news.data);
  });

  it("gives its new rows through every cast on the way", async () => {
    const model = cacheGraph(({ g, past, rows, concat }) => {
      const to = (type: "float16" | "float32") => ({ attributes: { to: typeAttribute(type) } });
      const joined = concat("joined", [
        g.add("/past16", "Cast", [past], to("float16")),
        g.add("/rows16", "Cast", [rows], to("float16")),
      ]);
      g.add("/wide", "Cast", [g.add("/same", "Identity", [joined])], { ...to("float32"), output: "present" });
    }).build();
    const rewrite = rewriteDecoder(model, CACHE);
    if (rewrite.form === "none") throw new Error(rewrite.reason);
    const session = await InferenceSession.create(encodeModelToBytes(rewrite.model), { logSeverityLevel: 3 });
    expect(session.inputNames).toEqual(["rows"]);
    const rows = new Tensor(
      "float32",
      Float32Array.from({ length: 8 }, (_, i) => i / 4),
      [1, 2, 1, 4],
    );
    expect((await session.run({ rows })).present!.data).toEqual(rows.data);
    await session.release();
  });
});
