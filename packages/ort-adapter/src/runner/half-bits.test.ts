import { InferenceSession, Tensor } from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { countingDecoder } from "../testing/counting-decoder.ts";
import { HAS_FLOAT16_ARRAY, keepAsBits, shownAsBits } from "./half-bits.ts";

const OPTIONS = { intraOpNumThreads: 1, logSeverityLevel: 4 } as const;
const int64 = (values: readonly number[]) =>
  new Tensor("int64", BigInt64Array.from(values, BigInt), [1, values.length]);
const half = (positions: number) => new Tensor("float16", new Uint16Array(positions * 16), [1, 1, positions, 16]);

/** The KV cache of four tokens as the runtime returned it, and the forward that it is fed to. */
async function halfCache() {
  const session = await InferenceSession.create(countingDecoder({ type: "float16" }), OPTIONS);
  const parts = ["key", "value"];
  const past = (of: (part: string) => Tensor) => parts.map((part) => [`past_key_values.0.${part}`, of(part)]);
  const prompt = { input_ids: int64([1, 2, 3, 4]), attention_mask: int64([1, 1, 1, 1]) };
  const results = await session.run({ ...prompt, ...Object.fromEntries(past(() => half(0))) });
  const next = { input_ids: int64([5, 6]), attention_mask: int64(Array(6).fill(1)) };
  const forward = async (see: (tensor: Tensor) => unknown) => {
    const feeds = { ...next, ...Object.fromEntries(past((part) => see(results[`present.0.${part}`]!) as Tensor)) };
    const { logits } = await session.run(feeds);
    return logits!.dims;
  };
  return { results, forward };
}

describe("float16 tensors that ONNX Runtime made", () => {
  it("are taken back when kept as their bits", async () => {
    const { results, forward } = await halfCache();
    expect(await forward(keepAsBits)).toEqual([1, 2, 16]);
    expect(results["present.0.key"]!.data).toBeInstanceOf(Uint16Array);
  });

  it("are taken back when shown as their bits, and stay what they were", async () => {
    const { results, forward } = await halfCache();
    const before = results["present.0.key"]!.data;
    expect(await forward((tensor) => shownAsBits(tensor))).toEqual([1, 2, 16]);
    expect(results["present.0.key"]!.data).toBe(before);
    expect(before.constructor.name).toBe(HAS_FLOAT16_ARRAY ? "Float16Array" : "Uint16Array");
  });
});

describe("shownAsBits", () => {
  it("is the value itself where there is nothing to show", () => {
    const values = [new Tensor("float32", [1, 2]), int64([1]), new Tensor("string", ["a"]), undefined, null, 7, {}];
    for (const value of values) expect(shownAsBits(value as Tensor)).toBe(value);
  });

  it("is a Tensor over the same memory", () => {
    const tensor = half(3);
    const shown = shownAsBits(tensor) as Tensor;
    expect(shown).toBeInstanceOf(Tensor);
    expect([shown.type, shown.dims, shown.size]).toEqual(["float16", [1, 1, 3, 16], 48]);
    (shown.data as Uint16Array)[0] = 0x3c00;
    const { buffer } = tensor.data as Uint16Array;
    expect(new Uint16Array(buffer)[0]).toBe(0x3c00);
  });
});
