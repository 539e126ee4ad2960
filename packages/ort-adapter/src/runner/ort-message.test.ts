import { expect, it } from "vitest";
import { ortMessage } from "./ort-message.ts";

const node = (name: string, message: string) =>
  `Non-zero status code returned while running ${name} node. Name:'/layers.0/${name}' Status Message: ${message}`;

it.each([
  [
    node("GroupQueryAttention", "sliding_window_cache: KV cache capacity (0) must be at least local_window_size (32)."),
    "GroupQueryAttention /layers.0/GroupQueryAttention: sliding_window_cache: KV cache capacity (0) must be at least local_window_size (32).",
  ],
  [
    node(
      "Add",
      "/onnxruntime_src/onnxruntime/core/providers/cpu/math/element_wise_ops.h:563 void onnxruntime::BroadcastIterator::Init(ptrdiff_t, ptrdiff_t) axis == 1 || axis == largest was false. Attempting to broadcast an axis by a dimension other than 1. 32 by 35\n\n    at Immediate",
    ),
    "Add /layers.0/Add: largest was false. Attempting to broadcast an axis by a dimension other than 1. 32 by 35",
  ],
  [
    "[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : Got invalid dimensions for input: x\nStacktrace: y",
    "Got invalid dimensions for input: x",
  ],
  ["", "an error without a message"],
])("says what ONNX Runtime said in one line: %#", (message, expected) => {
  expect(ortMessage(new Error(message))).toBe(expected);
});

it("cuts what is too long to read, and takes what is no error", () => {
  expect(ortMessage("x".repeat(1000))).toHaveLength(203);
  expect(ortMessage(undefined)).toBe("undefined");
});
