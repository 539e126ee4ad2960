import { InferenceSession, Tensor } from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { encodeModelToBytes } from "../onnx/write/writer.ts";
import { cacheGraph } from "../testing/cache-graph.ts";
import { readLivePast, returnRowsOf } from "./new-rows.ts";

describe("a past with room behind its live positions", () => {
  it("is seen by the graph as its live positions, and new rows alone come back", async () => {
    const g = cacheGraph(({ g: graph, concat }) => {
      graph.add("/sum", "ReduceSum", [concat("present"), graph.int64s(2)], { output: "sum" });
      graph.output("sum", "float32", undefined as never);
    });
    const node = g.producer("present")!;
    readLivePast(g, "/cache0", "past");
    returnRowsOf(g, "/cache0", g.producer("present") ?? node, "present");
    g.reshape("present", ["batch", 2, "sequence_length", 4]);
    const session = await InferenceSession.create(encodeModelToBytes(g.build()), { logSeverityLevel: 3 });
    const tensor = (positions: number, value: (position: number) => number) =>
      new Tensor(
        "float32",
        Float32Array.from({ length: 2 * positions * 4 }, (_, i) => value(Math.floor(i / 4) % positions)),
        [1, 2, positions, 4],
      );
    // Five live positions of eight; what lies behind them is anything.
    const past = tensor(8, (position) => (position < 5 ? 1 : 1000));
    const rows = tensor(3, (position) => 10 * (position + 1));
    const length = new Tensor("int64", BigInt64Array.of(5n), [1]);
    const results = await session.run({ past, rows, nearfree_past_length: length });
    expect(results.present!.dims).toEqual([1, 2, 3, 4]);
    expect(results.present!.data).toEqual(rows.data);
    expect([...(results.sum!.data as Float32Array)]).toEqual(new Array(8).fill(5 + 60));
    await session.release();
  });
});
