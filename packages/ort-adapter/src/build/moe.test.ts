import { InferenceSession, Tensor } from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { encodeModelToBytes } from "../onnx/write/writer.ts";
import type { DecoderSpec, DecoderWeights } from "./decoder-spec.ts";
import { GENERATED_SHAPES } from "./generated-shapes.ts";
import { GraphBuilder } from "./graph-builder.ts";
import { dequantiseInt4, quantiseInt4 } from "./int4.ts";
import { addMoe } from "./moe.ts";
import { randomWeights } from "./random-weights.ts";

const HIDDEN = 64;
const INNER = 32;
const EXPERTS = { count: 6, active: 2 };
const ROWS = 5;

const SPEC: DecoderSpec = {
  shape: { ...GENERATED_SHAPES["moe-8x2"], hiddenSize: HIDDEN, intermediateSize: INNER, experts: EXPERTS },
  attention: "gqa",
  quantisation: "fp32",
};

function multiply(weights: DecoderWeights, name: string, rows: number, x: readonly number[]): number[] {
  const values = weights.matrix(`model.layers.0.mlp.${name}.weight`, rows, x.length).read();
  return Array.from({ length: rows }, (_, r) => x.reduce((sum, each, c) => sum + each * values[r * x.length + c]!, 0));
}

/** A mixture of experts as Qwen3-MoE defines it, for one row. */
function reference(weights: DecoderWeights, x: readonly number[]): number[] {
  const logits = multiply(weights, "gate", EXPERTS.count, x);
  const chosen = [...logits.keys()].sort((a, b) => logits[b]! - logits[a]!).slice(0, EXPERTS.active);
  const total = chosen.reduce((sum, id) => sum + Math.exp(logits[id]!), 0);
  const out = new Array<number>(HIDDEN).fill(0);
  for (const id of chosen) {
    const gate = multiply(weights, `experts.${id}.gate_proj`, INNER, x);
    const up = multiply(weights, `experts.${id}.up_proj`, INNER, x);
    const inner = gate.map((value, i) => (value / (1 + Math.exp(-value))) * up[i]!);
    const share = Math.exp(logits[id]!) / total;
    for (const [i, value] of multiply(weights, `experts.${id}.down_proj`, HIDDEN, inner).entries())
      out[i]! += share * value;
  }
  return out;
}

/** The weights as they are after quantisation, the router excepted. */
function rounded(weights: DecoderWeights): DecoderWeights {
  return {
    ...weights,
    matrix: (name, rows, columns) => {
      const matrix = weights.matrix(name, rows, columns);
      return name.includes("experts") ? { ...matrix, read: () => dequantiseInt4(quantiseInt4(matrix.read())) } : matrix;
    },
  };
}

describe("addMoe", () => {
  const weights = randomWeights(3);
  const x = Float32Array.from({ length: ROWS * HIDDEN }, (_, i) => Math.sin(i * 0.7) * 1.5);
  const cases = [
    ["fp32", weights],
    ["int4", rounded(weights)],
  ] as const;
  for (const [quantisation, effective] of cases) {
    it(`gives what the definition of a mixture of experts says (${quantisation})`, async () => {
      const g = new GraphBuilder();
      g.input("x", "float32", [1, "n", HIDDEN]);
      const y = g.output(addMoe(g, { ...SPEC, quantisation }, weights, 0, "x"), "float32", [1, "n", HIDDEN]);
      const session = await InferenceSession.create(encodeModelToBytes(g.build("moe")), { logSeverityLevel: 3 });
      const outputs = await session.run({ x: new Tensor("float32", x, [1, ROWS, HIDDEN]) });
      const found = outputs[y]!.data as Float32Array;
      for (let row = 0; row < ROWS; row++) {
        const expected = reference(effective, [...x.subarray(row * HIDDEN, (row + 1) * HIDDEN)]);
        for (const [i, value] of expected.entries()) expect(found[row * HIDDEN + i]).toBeCloseTo(value, 4);
      }
    });
  }
});
