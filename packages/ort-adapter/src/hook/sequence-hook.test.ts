import { NearfreeError } from "@nearfree/core";
import { InferenceSession, type OnnxValue, Tensor } from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { countingDecoder } from "../testing/counting-decoder.ts";
import { tellingDecoder } from "../testing/telling-decoder.ts";
import { wrapSession } from "./wrap-session.ts";

const OPTIONS = { intraOpNumThreads: 1, logSeverityLevel: 4 } as const;
const int64 = (dims: readonly number[]) =>
  new Tensor("int64", new BigInt64Array(dims.reduce((a, b) => a * b, 1)).fill(1n), dims);

describe("what goes into a run", () => {
  const feeds = () => ({
    input_ids: int64([1, 2]),
    attention_mask: int64([1, 2]),
    "past_key_values.0.key": new Tensor("float32", new Float32Array(0), [1, 1, 0, 4]),
  });

  it("may lack its memory, and is then named in one line", async () => {
    const hook = wrapSession(await InferenceSession.create(tellingDecoder(), OPTIONS));
    const lost = feeds();
    const { buffer } = lost.input_ids.data as BigInt64Array;
    structuredClone(buffer, { transfer: [buffer as ArrayBuffer] });
    const error = await hook.run(lost).catch((caught: unknown) => caught as Error & { cause: Error });
    expect(error).toBeInstanceOf(NearfreeError);
    expect((error as Error).message).toMatch(
      /^\[ort-adapter\] input input_ids: expected the data of int64 \[1, 2\], received a tensor whose buffer is detached; [^\n]+$/,
    );
    expect((error as { cause: Error }).cause).toBeInstanceOf(Error);
  });

  it("may be float16 as the runtime gave it, and stays as it is", async () => {
    const hook = wrapSession(await InferenceSession.create(countingDecoder({ type: "float16" }), OPTIONS));
    const empty = () => new Tensor("float16", new Uint16Array(0), [1, 1, 0, 16]);
    const run = (rows: number, total: number, key: OnnxValue, value: OnnxValue) =>
      hook.run({
        input_ids: int64([1, rows]),
        attention_mask: int64([1, total]),
        "past_key_values.0.key": key,
        "past_key_values.0.value": value,
      });
    const first = await run(3, 3, empty(), empty());
    const key = first["present.0.key"] as Tensor;
    const { data } = key;
    const second = await run(2, 5, key, first["present.0.value"]!);
    expect((second["present.0.key"] as Tensor).dims).toEqual([1, 1, 5, 16]);
    expect(key.data).toBe(data);
  });

  it("may come from another copy of onnxruntime-common", async () => {
    const { Tensor: OtherTensor } = await import("onnxruntime-web");
    expect(OtherTensor).not.toBe(Tensor);
    const hook = wrapSession(await InferenceSession.create(tellingDecoder(), OPTIONS));
    const foreign = Object.fromEntries(
      Object.entries(feeds()).map(([name, { type, data, dims }]) => [
        name,
        new OtherTensor(type as "float32", data as Float32Array, dims),
      ]),
    );
    expect((await hook.run(foreign)).logits).toBeInstanceOf(Tensor);
  });
});
