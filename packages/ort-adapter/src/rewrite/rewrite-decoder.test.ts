import { describe, expect, it } from "vitest";
import { buildDecoder } from "../build/decoder.ts";
import type { DecoderSpec } from "../build/decoder-spec.ts";
import { GENERATED_SHAPES } from "../build/generated-shapes.ts";
import { randomWeights } from "../build/random-weights.ts";
import type { Model } from "../onnx/model.ts";
import { type CachedSession, openCached } from "../testing/lean-session.ts";
import { renameModel } from "../testing/rename-model.ts";
import { type CacheNames, cacheNames } from "./cache-names.ts";
import { rewriteDecoder } from "./rewrite-decoder.ts";

const SHAPE = { ...GENERATED_SHAPES.tiny, contextLimit: 128 };
const TOKENS = Array.from({ length: 60 }, (_, i) => (i * 37 + 11) % SHAPE.vocabularySize);

function decoder(spec: Partial<DecoderSpec>): Model {
  return buildDecoder({ shape: SHAPE, attention: "gqa", quantisation: "fp32", ...spec }, randomWeights(3));
}

function cacheOf(model: Model): readonly CacheNames[] {
  const names = cacheNames(model);
  if (typeof names === "string") throw new Error(names);
  return names;
}

function rewritten(model: Model) {
  const result = rewriteDecoder(model, cacheOf(model));
  if (result.form === "none") throw new Error(result.reason);
  return result;
}

/** The rows of `TOKENS` by forwards of these widths, one after another. */
async function rowsBy(session: CachedSession, widths: readonly number[]): Promise<Float32Array[]> {
  const rows: Float32Array[] = [];
  let at = session.cache.length;
  for (const width of widths) {
    const logits = await session.forward(TOKENS.slice(at, at + width));
    const columns = logits.length / width;
    for (let i = 0; i < width; i++) rows.push(logits.slice(i * columns, (i + 1) * columns));
    at += width;
  }
  return rows;
}

const ones = (count: number) => new Array<number>(count).fill(1);

function largestDifference(a: readonly Float32Array[], b: readonly Float32Array[]): number {
  return Math.max(...a.map((row, i) => Math.max(...row.map((value, j) => Math.abs(value - b[i]![j]!)))));
}

const CASES: [string, Partial<DecoderSpec>, number][] = [
  ["GroupQueryAttention", {}, 1e-5],
  ["GroupQueryAttention, int4", { quantisation: "int4" }, 0.1],
  ["plain operators", { attention: "decomposed" }, 1e-5],
  ["plain operators, positions fed", { attention: "decomposed", positionIds: true }, 1e-5],
  ["plain operators, int4", { attention: "decomposed", quantisation: "int4" }, 0.1],
  ["a mixture of experts", { shape: { ...SHAPE, experts: { count: 4, active: 2 } } }, 1e-5],
];

describe.each(CASES)("rewriteDecoder on %s", (_name, spec, tolerance) => {
  it("gives the logits of the original, whatever the widths of its forwards, and after a rewind", async () => {
    const model = decoder(spec);
    const { form, model: edited } = rewritten(model);
    expect(form).toBe("lean");
    const [original, lean] = [await openCached(model, cacheOf(model)), await openCached(edited, cacheOf(model))];
    // The kernels of weights differ between one row and several: both graphs see the same widths.
    for (const widths of [ones(40), [20, 4, 1, 8, 2, 1, 4]]) {
      for (const session of [original, lean]) session.cache.rewind(0);
      expect(largestDifference(await rowsBy(lean, widths), await rowsBy(original, widths))).toBeLessThan(tolerance);
    }
    for (const session of [original, lean]) session.cache.rewind(17);
    expect(largestDifference(await rowsBy(lean, [3, 1]), await rowsBy(original, [3, 1]))).toBeLessThan(tolerance);
    for (const session of [original, lean]) await session.release();
  });

  it("keeps every bit where attention is to stay as it is", async () => {
    const model = decoder(spec);
    const rows = rewriteDecoder(model, cacheOf(model), { most: "rows" });
    if (rows.form !== "rows") throw new Error(`a rewrite of form ${rows.form}`);
    const [original, edited] = [await openCached(model, cacheOf(model)), await openCached(rows.model, cacheOf(model))];
    const widths = [20, 4, 1, 8, 2, 1, 4];
    expect(largestDifference(await rowsBy(edited, widths), await rowsBy(original, widths))).toBe(0);
    for (const session of [original, edited]) await session.release();
  });

  it("returns new rows alone", async () => {
    const model = decoder(spec);
    for (const { name, shape } of rewritten(model).model.graph.outputs) {
      if (name.startsWith("present")) expect(shape?.[2]).toBe("sequence_length");
    }
  });
});

describe("rewriteDecoder on dynamic int8", () => {
  it.each(["gqa", "decomposed"] as const)(
    "gives each row its own scale (%s): any width equals one row at a time",
    async (attention) => {
      const model = decoder({ attention, quantisation: "int8-dynamic" });
      const { model: edited, rowScales } = rewritten(model);
      expect(rowScales).toBe(true);
      const [original, lean] = [await openCached(model, cacheOf(model)), await openCached(edited, cacheOf(model))];
      const expected = await rowsBy(original, ones(40));
      for (const widths of [ones(40), [20, 4, 1, 8, 2, 1, 4]]) {
        lean.cache.rewind(0);
        expect(largestDifference(await rowsBy(lean, widths), expected)).toBeLessThan(0.05);
      }
      // The fault that it mends: the original's rows depend on their neighbours.
      original.cache.rewind(0);
      expect(largestDifference(await rowsBy(original, [20, 20]), expected)).toBeGreaterThan(1e-3);
      for (const session of [original, lean]) await session.release();
    },
  );

  it("leaves the bits of a single row as they were, where attention was not touched", async () => {
    const model = decoder({ attention: "decomposed", quantisation: "int8-dynamic" });
    const [original, lean] = [
      await openCached(model, cacheOf(model)),
      await openCached(rewritten(model).model, cacheOf(model)),
    ];
    // On an empty cache attention is one row over itself: its bits cannot differ.
    expect(await lean.forward([5])).toEqual(await original.forward([5]));
    for (const session of [original, lean]) await session.release();
  });
});

describe("rewriteDecoder", () => {
  it("does not depend on the names of values", async () => {
    const model = decoder({ attention: "decomposed" });
    const renamed = renameModel(model, (index) => `node${index}`);
    expect(rewritten(renamed).model.graph.nodes.map(({ opType }) => opType)).toEqual(
      rewritten(model).model.graph.nodes.map(({ opType }) => opType),
    );
  });

  it("says why it leaves a graph alone", () => {
    const model = decoder({});
    const smooth = {
      ...model,
      graph: {
        ...model.graph,
        nodes: model.graph.nodes.map((node) =>
          node.opType === "GroupQueryAttention"
            ? { ...node, attributes: new Map([...node.attributes, ["unheard_of", { kind: "int", value: 1 } as const]]) }
            : node,
        ),
      },
    };
    expect(rewriteDecoder(smooth, cacheOf(model)).form).toBe("rows");
    const [first, ...others] = cacheOf(model);
    expect(rewriteDecoder(model, [{ ...first!, past: "attention_mask" }, ...others])).toEqual({
      form: "none",
      reason: "present.0.key is not made of attention_mask by GroupQueryAttention",
    });
  });
});
