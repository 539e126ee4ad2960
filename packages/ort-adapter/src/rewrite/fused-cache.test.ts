import { InferenceSession, Tensor } from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { GraphBuilder, intAttribute, MICROSOFT } from "../build/graph-builder.ts";
import type { Model } from "../onnx/model.ts";
import { encodeModelToBytes } from "../onnx/write/writer.ts";
import type { CacheNames } from "./cache-names.ts";
import { appendingAttention } from "./fused-cache.ts";
import { GraphEdit } from "./graph-edit.ts";
import { rewriteDecoder } from "./rewrite-decoder.ts";

const [HEADS, HEAD_DIM] = [2, 4];
const CACHE: CacheNames[] = ["key", "value"].map((part) => ({
  past: `past_key_values.0.${part}`,
  present: `present.0.${part}`,
  heads: HEADS,
  headDim: HEAD_DIM,
}));

/** One com.microsoft.MultiHeadAttention with a past, its queries, keys and values out of one input. */
function attention(swap = false): Model {
  const g = new GraphBuilder();
  const x = g.input("x", "float32", [1, "sequence_length", HEADS * HEAD_DIM]);
  const pasts = CACHE.map(({ past }) => g.input(past, "float32", [1, HEADS, "past_length", HEAD_DIM]));
  if (swap) pasts.reverse();
  g.addTo(
    ["y", ...CACHE.map(({ present }) => present)],
    "/attn",
    "MultiHeadAttention",
    [x, x, x, "", "", "", ...pasts],
    {
      domain: MICROSOFT,
      attributes: { num_heads: intAttribute(HEADS), unidirectional: intAttribute(1) },
    },
  );
  g.output("y", "float32", [1, "sequence_length", HEADS * HEAD_DIM]);
  for (const { present } of CACHE) g.output(present, "float32", [1, HEADS, "total_length", HEAD_DIM]);
  return g.build("attention");
}

const values = (size: number, seed: number) => Float32Array.from({ length: size }, (_, i) => Math.sin(seed + 1.7 * i));

describe("MultiHeadAttention with a past", () => {
  it("gives the same bits on a past with room behind it, and its new rows alone", async () => {
    const model = attention();
    const rewrite = rewriteDecoder(model, CACHE);
    if (rewrite.form === "none") throw new Error(rewrite.reason);
    expect(rewrite.form).toBe("rows");
    const [original, rewritten] = await Promise.all(
      [model, rewrite.model].map((each) => InferenceSession.create(encodeModelToBytes(each))),
    );
    const [live, capacity, rows] = [5, 8, 3];
    const x = new Tensor("float32", values(rows * HEADS * HEAD_DIM, 1), [1, rows, HEADS * HEAD_DIM]);
    const pastOf = (positions: number) =>
      Object.fromEntries(
        CACHE.map(({ past }, part) => {
          const data = new Float32Array(HEADS * positions * HEAD_DIM).fill(1e6);
          for (let head = 0; head < HEADS; head++) {
            data.set(values(live * HEAD_DIM, 10 * part + head), head * positions * HEAD_DIM);
          }
          return [past, new Tensor("float32", data, [1, HEADS, positions, HEAD_DIM])];
        }),
      );
    const expected = await original!.run({ x, ...pastOf(live) });
    const length = new Tensor("int64", BigInt64Array.of(BigInt(live)), [1]);
    const found = await rewritten!.run({ x, ...pastOf(capacity), nearfree_past_length: length });
    expect(found.y!.data).toEqual(expected.y!.data);
    for (const { present } of CACHE) {
      expect(found[present]!.dims).toEqual([1, HEADS, rows, HEAD_DIM]);
      const whole = expected[present]!.data as Float32Array;
      const news = Array.from({ length: HEADS }, (_, head) => {
        const end = (head + 1) * (live + rows) * HEAD_DIM;
        return [...whole.slice(end - rows * HEAD_DIM, end)];
      });
      expect([...(found[present]!.data as Float32Array)]).toEqual(news.flat());
    }
    for (const session of [original, rewritten]) await session!.release();
  });

  it("is known where key and value are in their places alone", () => {
    const [key] = CACHE as [CacheNames];
    expect(appendingAttention(new GraphEdit(attention()), key)).toBeDefined();
    expect(appendingAttention(new GraphEdit(attention(true)), key)).toBeUndefined();
    expect(rewriteDecoder(attention(true), CACHE)).toMatchObject({ form: "none" });
  });
});
