import { InferenceSession, Tensor } from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { encodeModelToBytes } from "../onnx/write/writer.ts";
import { buildDecoder } from "./decoder.ts";
import type { DecoderShape, DecoderSpec } from "./decoder-spec.ts";
import { GENERATED_SHAPES } from "./generated-shapes.ts";
import { randomWeights } from "./random-weights.ts";

const SHAPE: DecoderShape = { ...GENERATED_SHAPES.tiny, intermediateSize: 96, contextLimit: 64, tiedHead: false };
const TOKENS = [5, 17, 3, 88, 41, 9, 60, 2, 33, 71, 14, 27];

function open(spec: Partial<DecoderSpec>): Promise<InferenceSession> {
  const model = buildDecoder({ shape: SHAPE, attention: "gqa", quantisation: "fp32", ...spec }, randomWeights(7));
  return InferenceSession.create(encodeModelToBytes(model), { logSeverityLevel: 3 });
}

type Cache = Record<string, Tensor>;

function emptyCache(batch: number): Cache {
  const names = Array.from({ length: SHAPE.layers }, (_, i) => [
    `past_key_values.${i}.key`,
    `past_key_values.${i}.value`,
  ]);
  const dims = [batch, SHAPE.kvHeads, 0, SHAPE.headDim];
  return Object.fromEntries(names.flat().map((name) => [name, new Tensor("float32", new Float32Array(0), dims)]));
}

interface Step {
  readonly tokens: readonly number[][];
  readonly mask?: readonly number[][];
  readonly positions?: readonly number[][];
  readonly cache?: Cache;
}

/** Runs one forward; `logits[b][i]` are the logits of row i of sequence b. */
async function forward(
  session: InferenceSession,
  { tokens, mask, positions, cache = emptyCache(tokens.length) }: Step,
) {
  const rows = tokens[0]!.length;
  const before = cache["past_key_values.0.key"]!.dims[2]!;
  const int64 = (values: readonly number[][]) =>
    new Tensor("int64", BigInt64Array.from(values.flat(), BigInt), [values.length, values[0]!.length]);
  const feeds: Record<string, Tensor> = {
    ...cache,
    input_ids: int64(tokens),
    attention_mask: int64(mask ?? tokens.map(() => new Array<number>(before + rows).fill(1))),
    ...(positions && { position_ids: int64(positions) }),
  };
  const outputs = await session.run(feeds);
  const present = Object.keys(cache).map((name) => [name, outputs[name.replace("past_key_values", "present")]!]);
  const flat = outputs.logits!.data as Float32Array;
  const row = (b: number, i: number) =>
    flat.subarray((b * rows + i) * SHAPE.vocabularySize, (b * rows + i + 1) * SHAPE.vocabularySize);
  const logits = tokens.map((_, b) => Array.from({ length: rows }, (_, i) => row(b, i)));
  return { logits, cache: Object.fromEntries(present) as Cache };
}

/** Largest difference between two lists of logits. */
function distance(a: readonly Float32Array[], b: readonly Float32Array[]): number {
  expect(a.length).toBe(b.length);
  return Math.max(...a.flatMap((row, i) => Array.from(row, (value, j) => Math.abs(value - b[i]![j]!))));
}

function norm(rows: readonly Float32Array[]): number {
  return Math.hypot(...rows.flatMap((row) => [...row]));
}

describe("buildDecoder", () => {
  it("declares the inputs and outputs of transformers.js", async () => {
    const session = await open({});
    expect(session.inputNames).toEqual([
      "input_ids",
      "attention_mask",
      "past_key_values.0.key",
      "past_key_values.0.value",
      "past_key_values.1.key",
      "past_key_values.1.value",
    ]);
    expect(session.outputNames[0]).toBe("logits");
    const shapes = new Map(session.inputMetadata.map((input) => [input.name, input.isTensor ? input.shape : []]));
    expect(shapes.get("input_ids")).toEqual(["batch_size", "sequence_length"]);
    expect(shapes.get("attention_mask")).toEqual(["batch_size", "total_sequence_length"]);
    expect(shapes.get("past_key_values.1.value")).toEqual(["batch_size", 2, "past_sequence_length", 16]);
  });

  it("gives the same logits with fused and with decomposed attention", async () => {
    const fused = await forward(await open({}), { tokens: [TOKENS] });
    const plain = await forward(await open({ attention: "decomposed" }), { tokens: [TOKENS] });
    expect(distance(fused.logits[0]!, plain.logits[0]!)).toBeLessThan(1e-4);
    expect(fused.logits.flat().every((row) => row.every(Number.isFinite))).toBe(true);
  });

  for (const attention of ["gqa", "decomposed"] as const) {
    it(`decodes in steps as in one forward (${attention})`, async () => {
      const session = await open({ attention });
      const whole = await forward(session, { tokens: [TOKENS] });
      const rows: Float32Array[] = [];
      let cache = emptyCache(1);
      for (const [from, to] of [
        [0, 5],
        [5, 6],
        [6, 9],
        [9, 12],
      ] as const) {
        const step = await forward(session, { tokens: [TOKENS.slice(from, to)], cache });
        rows.push(...step.logits[0]!);
        cache = step.cache;
      }
      expect(distance(rows, whole.logits[0]!)).toBeLessThan(1e-4);
    });
  }

  it("takes a batch of unequal lengths, padded left, with positions from the mask or given", async () => {
    const short = TOKENS.slice(0, 4);
    const tokens = [TOKENS.slice(0, 6), [0, 0, ...short]];
    const mask = [
      [1, 1, 1, 1, 1, 1],
      [0, 0, 1, 1, 1, 1],
    ];
    const positions = [
      [0, 1, 2, 3, 4, 5],
      [0, 0, 0, 1, 2, 3],
    ];
    const session = await open({ attention: "decomposed" });
    const alone = await forward(session, { tokens: [short] });
    const derived = await forward(session, { tokens, mask });
    const given = await forward(await open({ attention: "decomposed", positionIds: true }), {
      tokens,
      mask,
      positions,
    });
    expect(distance(derived.logits[1]!.slice(2), alone.logits[0]!)).toBeLessThan(1e-4);
    expect(distance(given.logits[1]!.slice(2), alone.logits[0]!)).toBeLessThan(1e-4);
    expect(derived.logits.flat().every((row) => row.every(Number.isFinite))).toBe(true);
  });

  it("skips a hole in the mask as if the tokens there had not been", async () => {
    const session = await open({ attention: "decomposed" });
    const first = await forward(session, { tokens: [[5, 17, 50, 51]] });
    const after = await forward(session, { tokens: [[3]], mask: [[1, 1, 0, 0, 1]], cache: first.cache });
    const plain = await forward(session, { tokens: [[5, 17, 3]] });
    expect(distance(after.logits[0]!, [plain.logits[0]![2]!])).toBeLessThan(1e-4);
  });

  it("stays near fp32 when quantised, and finite with random experts", async () => {
    const full = await forward(await open({}), { tokens: [TOKENS] });
    // Root mean square of the difference, against that of the logits.
    for (const [quantisation, limit] of [
      ["int8-dynamic", 0.05],
      ["int4", 0.3],
    ] as const) {
      const quantised = await forward(await open({ quantisation }), { tokens: [TOKENS] });
      const differences = full.logits[0]!.map((row, i) => row.map((value, j) => value - quantised.logits[0]![i]![j]!));
      expect(norm(differences) / norm(full.logits[0]!)).toBeLessThan(limit);
    }
    const experts = { count: 8, active: 2 };
    for (const quantisation of ["fp32", "int4"] as const) {
      const mixture = await forward(await open({ quantisation, shape: { ...SHAPE, experts } }), { tokens: [TOKENS] });
      expect(mixture.logits[0]!.every((row) => row.every(Number.isFinite))).toBe(true);
    }
  });

  it("refuses sizes that no kernel runs", () => {
    const build = (shape: Partial<DecoderShape>, spec: Partial<DecoderSpec> = {}) =>
      buildDecoder(
        { shape: { ...SHAPE, ...shape }, attention: "gqa", quantisation: "int4", ...spec },
        randomWeights(1),
      );
    expect(() => build({ kvHeads: 3 })).toThrow("[ort-adapter] heads: expected a multiple of kvHeads 3, received 4");
    expect(() => build({ intermediateSize: 100 })).toThrow("a multiple of the int4 block size 32, received 100");
    expect(() => build({ experts: { count: 4, active: 5 } })).toThrow("experts.active: expected 1 to 4, received 5");
    expect(() => build({}, { positionIds: true })).toThrow("positionIds: expected decomposed attention, received gqa");
  });
});
