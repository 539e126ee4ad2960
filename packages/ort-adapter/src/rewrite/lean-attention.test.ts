import { InferenceSession, Tensor } from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { GraphBuilder } from "../build/graph-builder.ts";
import { encodeModelToBytes } from "../onnx/write/writer.ts";
import { GraphEdit } from "./graph-edit.ts";
import { addLeanAttention } from "./lean-attention.ts";

interface Sizes {
  readonly heads: number;
  readonly kvHeads: number;
  readonly softcap: number;
  readonly sinks: readonly number[];
}

const HEAD_DIM = 4;
const CAPACITY = 7;
const LIVE = 5;
const SCALE = 0.6;

const wave = (length: number, shift: number) =>
  Float32Array.from({ length }, (_, i) => Math.sin(1.7 * i + shift) * 1.5);

function graph({ heads, kvHeads, softcap, sinks }: Sizes) {
  const g = new GraphBuilder();
  g.input("q", "float32", ["batch", "rows", heads * HEAD_DIM]);
  for (const name of ["k", "v", "pk", "pv"])
    g.input(name, "float32", ["batch", kvHeads, `${name}_positions`, HEAD_DIM]);
  g.input("bias", "float32", ["batch", 1, "rows", "columns"]);
  if (sinks.length > 0) g.constant("sinks", "float32", [heads], Float32Array.from(sinks));
  g.output("y", "float32", ["batch", "rows", heads * HEAD_DIM]);
  const edit = new GraphEdit(g.build("attention"));
  addLeanAttention(edit, {
    scope: "/layer0",
    heads,
    kvHeads,
    headDim: HEAD_DIM,
    scale: SCALE,
    softcap,
    queries: "q",
    keys: "k",
    values: "v",
    pastKeys: "pk",
    pastValues: "pv",
    bias: "bias",
    sinks: sinks.length > 0 ? "sinks" : "",
    output: "y",
  });
  return edit.build();
}

/** The same by its definition, in double precision. Row r sees the live past and new rows up to itself. */
function expected(
  { heads, kvHeads, softcap, sinks }: Sizes,
  rows: number,
  feeds: Record<string, Float32Array>,
): number[] {
  const out: number[] = [];
  for (let row = 0; row < rows; row++) {
    for (let head = 0; head < heads; head++) {
      const kv = Math.floor((head * kvHeads) / heads);
      const seen = [
        ...Array.from({ length: LIVE }, (_, i) => ["p", (kv * CAPACITY + i) * HEAD_DIM] as const),
        ...Array.from({ length: row + 1 }, (_, i) => ["", (kv * rows + i) * HEAD_DIM] as const),
      ];
      const scores = seen.map(([past, at]) => {
        let sum = 0;
        for (let d = 0; d < HEAD_DIM; d++)
          sum += feeds.q![(row * heads + head) * HEAD_DIM + d]! * feeds[`${past}k`]![at + d]!;
        return softcap > 0 ? softcap * Math.tanh((SCALE * sum) / softcap) : SCALE * sum;
      });
      const weights = scores.map(Math.exp);
      const total = weights.reduce((a, b) => a + b, sinks.length > 0 ? Math.exp(sinks[head]!) : 0);
      for (let d = 0; d < HEAD_DIM; d++) {
        out.push(seen.reduce((sum, [past, at], i) => sum + (weights[i]! / total) * feeds[`${past}v`]![at + d]!, 0));
      }
    }
  }
  return out;
}

const SIZES: [string, Sizes][] = [
  ["a head each", { heads: 2, kvHeads: 2, softcap: 0, sinks: [] }],
  ["three query heads to a K/V head", { heads: 6, kvHeads: 2, softcap: 0, sinks: [] }],
  ["one K/V head for all", { heads: 4, kvHeads: 1, softcap: 0, sinks: [] }],
  ["a softcap", { heads: 4, kvHeads: 2, softcap: 1.5, sinks: [] }],
  ["sinks", { heads: 4, kvHeads: 2, softcap: 0, sinks: [0.5, -1, 2, 0] }],
];

describe.each(SIZES)("addLeanAttention with %s", (_name, sizes) => {
  it.each([1, 2, 5])("is attention by its definition, %d new rows", async (rows) => {
    const { heads, kvHeads } = sizes;
    const session = await InferenceSession.create(encodeModelToBytes(graph(sizes)), { logSeverityLevel: 3 });
    const feeds = {
      q: wave(rows * heads * HEAD_DIM, 0.1),
      k: wave(kvHeads * rows * HEAD_DIM, 2),
      v: wave(kvHeads * rows * HEAD_DIM, 3),
      pk: wave(kvHeads * CAPACITY * HEAD_DIM, 4),
      pv: wave(kvHeads * CAPACITY * HEAD_DIM, 5),
    };
    const bias = new Float32Array(rows * (CAPACITY + rows)).fill(-1e30);
    for (let row = 0; row < rows; row++) {
      bias.fill(0, row * (CAPACITY + rows), row * (CAPACITY + rows) + LIVE);
      bias.fill(0, row * (CAPACITY + rows) + CAPACITY, row * (CAPACITY + rows) + CAPACITY + row + 1);
    }
    const tensor = (name: keyof typeof feeds, positions: number) =>
      new Tensor("float32", feeds[name], [1, kvHeads, positions, HEAD_DIM]);
    const { y } = await session.run({
      q: new Tensor("float32", feeds.q, [1, rows, heads * HEAD_DIM]),
      k: tensor("k", rows),
      v: tensor("v", rows),
      pk: tensor("pk", CAPACITY),
      pv: tensor("pv", CAPACITY),
      bias: new Tensor("float32", bias, [1, 1, rows, CAPACITY + rows]),
    });
    const found = y!.data as Float32Array;
    const right = expected(sizes, rows, feeds);
    expect(found).toHaveLength(right.length);
    expect(Math.max(...right.map((value, i) => Math.abs(value - found[i]!)))).toBeLessThan(1e-5);
    await session.release();
  });
});
