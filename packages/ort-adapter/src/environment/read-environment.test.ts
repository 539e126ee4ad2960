import { hashOf } from "@nearfree/core/measure";
import { describe, expect, it } from "vitest";
import { type EnvironmentParts, readEnvironment } from "./read-environment.ts";

const PARTS: EnvironmentParts = {
  runtime: "onnxruntime-node",
  runtimeVersion: "1.30.0",
  device: { platform: "linux", cpu: "Some CPU", cores: 4 },
};
const environmentOf = (sessionOptions: EnvironmentParts["sessionOptions"], variables = {}) =>
  readEnvironment({ ...PARTS, sessionOptions, variables });

it("without options: the runtime's defaults", () => {
  expect(readEnvironment(PARTS)).toEqual({
    runtime: "onnxruntime-node",
    runtimeVersion: "1.30.0",
    executionProvider: "cpu",
    options: {},
    threads: 0,
    graphOptimizationLevel: "all",
    device: { cores: 4, cpu: "Some CPU", platform: "linux" },
  });
  expect(readEnvironment({ ...PARTS, defaultThreads: 2, defaultExecutionProvider: "wasm" })).toMatchObject({
    executionProvider: "wasm",
    threads: 2,
  });
});

describe("options", () => {
  it("keeps those that change kernels, by dotted name, sorted", () => {
    const environment = environmentOf({
      executionProviders: [{ name: "webgpu", preferredLayout: "NCHW", forceCpuNodeNames: ["a", "b"] }, "cpu"],
      intraOpNumThreads: 3,
      graphOptimizationLevel: "extended",
      executionMode: "parallel",
      freeDimensionOverrides: { batch_size: 1 },
      extra: {
        session: { disable_prepacking: "1", qdq_matmulnbits_accuracy_level: "4" },
        mlas: { enable_gemm_fastmath_arm64_bfloat16: "1" },
      },
    });
    expect(environment).toMatchObject({ executionProvider: "webgpu", threads: 3, graphOptimizationLevel: "extended" });
    expect(environment.options).toEqual({
      "webgpu.preferredLayout": "NCHW",
      "webgpu.forceCpuNodeNames": "a,b",
      executionProviders: "webgpu,cpu",
      executionMode: "parallel",
      "freeDimensionOverrides.batch_size": 1,
      "session.disable_prepacking": "1",
      "session.qdq_matmulnbits_accuracy_level": "4",
      "mlas.enable_gemm_fastmath_arm64_bfloat16": "1",
    });
    expect(Object.keys(environment.options)).toEqual(Object.keys(environment.options).sort());
  });

  it("leaves out logs, profiles, paths, ways of loading, and objects of the platform", () => {
    class Device {
      readonly label = "gpu";
    }
    const options = {
      executionProviders: [{ name: "webgpu", device: new Device() as never }],
      logId: "x",
      logSeverityLevel: 3 as const,
      enableProfiling: true,
      optimizedModelFilePath: "/tmp/x.onnx",
      extra: {
        session: {
          log_id: "x",
          enable_profiling: "1",
          optimized_model_filepath: "/tmp/x",
          model_external_initializers_file_folder_path: "/tmp",
          collect_node_memory_stats_to_file: "/tmp/y",
          load_model_format: "ONNX",
        },
        ep: { context_file_path: "/tmp/z" },
      },
    };
    expect(environmentOf(options).options).toEqual({});
  });

  it("gives equal hashes for equal settings, whatever the order of keys", () => {
    const a = environmentOf({ extra: { session: { a: "1", b: "2" }, mlas: { c: "3" } } });
    const b = environmentOf({ extra: { mlas: { c: "3" }, session: { b: "2", a: "1" } } });
    expect(hashOf(a)).toBe(hashOf(b));
    expect(JSON.stringify(a)).toBe(JSON.stringify(b));
  });
});

it("keeps the variables that ONNX Runtime reads, and no others", () => {
  const variables = {
    ORT_GQA_DISABLE_FLASH_ATTENTION: "1",
    ORT_INTRA_OP_NUM_THREADS: "2",
    HOME: "/root",
    HOSTNAME: "x",
  };
  expect(environmentOf({}, variables).options).toEqual({
    ORT_GQA_DISABLE_FLASH_ATTENTION: "1",
    ORT_INTRA_OP_NUM_THREADS: "2",
  });
});

it("tells Vulkan drivers apart by the names of their files, not by where those lie", () => {
  const optionsWith = (value: string) => environmentOf({}, { VK_ICD_FILENAMES: value, VK_LAYER_PATH: "/x" }).options;
  expect(optionsWith("/usr/lib/chromium/vk_swiftshader_icd.json")).toEqual({
    VK_ICD_FILENAMES: "vk_swiftshader_icd.json",
  });
  expect(optionsWith("/opt/a/b.json:/opt/c/d.json")).toEqual({ VK_ICD_FILENAMES: "b.json:d.json" });
});
