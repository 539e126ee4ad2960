import { InferenceSession, Tensor } from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { GraphBuilder, type NodeOptions, typeAttribute } from "../build/graph-builder.ts";
import type { Model } from "../onnx/model.ts";
import { encodeModelToBytes } from "../onnx/write/writer.ts";
import { GraphEdit } from "./graph-edit.ts";
import { editRowScales } from "./row-scales.ts";

/** Deterministic numbers in [0, 1): mulberry32. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Layer {
  readonly channels: number;
  readonly columns: number;
  readonly weightType: "int8" | "uint8";
  readonly zero: "none" | "one" | "columns";
  readonly scales: "one" | "columns";
}

/** y = x times an int8 matrix, as exporters write dynamic quantisation. */
function dynamicInt8(
  { channels, columns, weightType, zero, scales }: Layer,
  next: () => number,
  edit = (_: GraphBuilder) => {},
): Model {
  const g = new GraphBuilder();
  g.input("x", "float32", ["batch", "rows", channels]);
  // 7 bits, since some kernels add two products in 16.
  const value = () => (weightType === "int8" ? Math.floor(next() * 128) - 64 : Math.floor(next() * 128));
  const bytes = Int8Array.from({ length: channels * columns }, value);
  const weight = g.constant("w", weightType, [channels, columns], bytes);
  const zeros = Int8Array.from({ length: zero === "columns" ? columns : 1 }, () =>
    weightType === "int8" ? Math.floor(next() * 9) - 4 : 60 + Math.floor(next() * 9),
  );
  const zeroPoints = zero === "none" ? [] : [g.constant("wz", weightType, zero === "columns" ? [columns] : [], zeros)];
  const size = scales === "columns" ? columns : 1;
  const scale = g.constant(
    "ws",
    "float32",
    [size],
    Float32Array.from({ length: size }, () => 0.001 + next() / 50),
  );
  g.addTo(["xb", "xs", "xz"], "/quantise", "DynamicQuantizeLinear", ["x"]);
  const product = g.add("/product", "MatMulInteger", ["xb", weight, "xz", ...zeroPoints]);
  const float = g.add("/float", "Cast", [product], { attributes: { to: typeAttribute("float32") } });
  g.add("/y", "Mul", [float, g.add("/scales", "Mul", ["xs", scale])], { output: "y" });
  g.output("y", "float32", ["batch", "rows", columns]);
  edit(g);
  return g.build("int8");
}

const open = (model: Model) =>
  InferenceSession.create(encodeModelToBytes(model), { logSeverityLevel: 3, intraOpNumThreads: 1 });

/** A row of activations: of any size, of one sign, of one value, or zero. */
function activation(channels: number, next: () => number): Float32Array {
  const size = 10 ** (4 * next() - 2);
  const kind = Math.floor(next() * 6);
  const sign = [(v: number) => v, Math.abs, (v: number) => -Math.abs(v)][kind % 3]!;
  const constant = kind === 4 ? 0 : kind === 5 ? size : undefined;
  return Float32Array.from({ length: channels }, () => constant ?? sign((2 * next() - 1) * size));
}

describe("editRowScales", () => {
  it("leaves the bits of a single row, and gives several rows those of single ones", async () => {
    for (let seed = 1; seed <= 24; seed++) {
      const next = random(seed);
      const pick = <T>(...list: T[]): T => list[Math.floor(next() * list.length)]!;
      const layer: Layer = {
        channels: 1 + Math.floor(next() * 90),
        columns: 1 + Math.floor(next() * 70),
        weightType: pick("int8", "uint8"),
        zero: pick("none", "one", "columns"),
        scales: pick("one", "columns"),
      };
      const model = dynamicInt8(layer, next);
      const g = new GraphEdit(model);
      expect(editRowScales(g)).toBe(true);
      const [original, edited] = [await open(model), await open(g.build())];
      const rows = Array.from({ length: 9 }, () => activation(layer.channels, next));
      const run = async (session: InferenceSession, part: readonly Float32Array[]) => {
        const data = Float32Array.from(part.flatMap((row) => [...row]));
        const { y } = await session.run({ x: new Tensor("float32", data, [1, part.length, layer.channels]) });
        return y!.data as Float32Array;
      };
      const together = await run(edited, rows);
      for (const [i, row] of rows.entries()) {
        const single = await run(original, [row]);
        expect(await run(edited, [row]), `seed ${seed}, row ${i}`).toEqual(single);
        expect(together.slice(i * layer.columns, (i + 1) * layer.columns), `seed ${seed}, row ${i}`).toEqual(single);
      }
      await original.release();
      await edited.release();
    }
  });

  const plain: Layer = { channels: 8, columns: 4, weightType: "int8", zero: "none", scales: "one" };
  const scaled: NodeOptions = { output: "other" };
  it.each<[string, (g: GraphBuilder) => void]>([
    ["its bytes", (g) => g.add("/other", "Identity", ["xb"], scaled)],
    ["its scale", (g) => g.add("/other", "Sqrt", ["xs"], scaled)],
    ["its scale times another activation", (g) => g.add("/other", "Mul", ["xs", "x"], scaled)],
    ["its zero point", (g) => g.add("/other", "Identity", ["xz"], scaled)],
    ["its scale, as an output", (g) => g.output("xs", "float32", [])],
  ])("touches nothing where somebody else reads %s", (_name, edit) => {
    const g = new GraphEdit(dynamicInt8(plain, random(1), edit));
    expect(editRowScales(g)).toBe(false);
    expect(g.producer("xb")?.opType).toBe("DynamicQuantizeLinear");
  });
});
