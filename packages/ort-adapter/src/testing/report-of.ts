import type { GraphSummary } from "@nearfree/core/principle";
import { type ModelReport, summarize } from "../onnx/graph/summarize.ts";
import type { Model } from "../onnx/model.ts";
import { byteSource } from "../onnx/read/byte-source.ts";
import { encodeModelToBytes } from "../onnx/write/writer.ts";

/** The report of a model as it stands in a file. */
export function reportOf(model: Model): ModelReport {
  return summarize({ model: byteSource(encodeModelToBytes(model)) });
}

/** What the modules of each kind and class come to, element-wise nodes apart. */
export function totalsOf(summary: GraphSummary) {
  const found: Record<string, { nodes: number; weightBytes: number; flops: number; kvBytes: number }> = {};
  for (const { kind, kernel, ...module } of summary.modules) {
    if (kind === "other") continue;
    const key = `${kind} ${kernel.operator} ${kernel.weight ?? "-"}`;
    found[key] ??= { nodes: 0, weightBytes: 0, flops: 0, kvBytes: 0 };
    found[key].nodes += module.nodes;
    found[key].weightBytes += module.weightBytes;
    found[key].flops += module.flopsPerPosition;
    found[key].kvBytes += module.kvBytesPerPosition;
  }
  return found;
}
