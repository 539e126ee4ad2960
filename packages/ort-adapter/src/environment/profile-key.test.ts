import { createMemoryStore, type ProfileKey } from "@nearfree/core";
import { sampleKey, sampleProfile } from "@nearfree/core/test";
import type { InferenceSession } from "onnxruntime-common";
import { describe, expect, it } from "vitest";
import { readNodeDevice } from "./node-device.ts";
import { readEnvironment } from "./read-environment.ts";

/** A machine as its files show it, a process on it, and a session: all that a key is read from. */
interface Situation {
  readonly runtime: string;
  readonly runtimeVersion: string;
  readonly session: InferenceSession.SessionOptions;
  readonly variables: Readonly<Record<string, string>>;
  readonly platform: string;
  readonly arch: string;
  readonly logicalCores: number;
  readonly files: Readonly<Record<string, string>>;
  readonly key: Partial<ProfileKey>;
}

const CPU = { "model name": "Some CPU", "cpu family": "6", model: "143", stepping: "8", flags: "avx2 avx512f" };
const cpuInfo = (fields: object) =>
  Object.entries(fields)
    .map(([name, value]) => `${name}\t: ${value}\n`)
    .join("");
const GPU = "/proc/driver/nvidia/gpus/0000:01:00.0/information";

const HERE: Situation = {
  runtime: "onnxruntime-node",
  runtimeVersion: "1.30.0",
  session: { executionProviders: [{ name: "cuda", deviceId: 0 }, "cpu"], intraOpNumThreads: 4 },
  variables: { HOME: "/home/a", HOSTNAME: "pod-1" },
  platform: "linux",
  arch: "x64",
  logicalCores: 8,
  files: {
    "/proc/cpuinfo": cpuInfo({ ...CPU, "cpu MHz": "2100.0", bogomips: "4200.0" }),
    "/proc/self/cgroup": "0::/kubepods/pod-1",
    "/sys/fs/cgroup/kubepods/pod-1/cpu.max": "400000 100000",
    "/proc/driver/nvidia/version": "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5 2024\n",
    [GPU]: "Model: \t\t Some GPU\nGPU UUID: \t GPU-1\n",
  },
  key: {},
};

function keyOf(change: Partial<Situation>): ProfileKey {
  const { files, platform, arch, logicalCores, session, variables, key, ...runtime } = { ...HERE, ...change };
  const device = readNodeDevice({
    platform,
    arch,
    logicalCores,
    cpuModel: "",
    readText: (path) => files[path],
    list: () => [GPU.split("/")[5]!],
  });
  return {
    ...sampleKey(),
    environment: readEnvironment({ ...runtime, device, sessionOptions: session, variables }),
    ...key,
  };
}

const session = (options: object): Partial<Situation> => ({ session: { ...HERE.session, ...options } });
const variable = (name: string, value = "1"): Partial<Situation> => ({
  variables: { ...HERE.variables, [name]: value },
});
const file = (path: string, text: string): Partial<Situation> => ({ files: { ...HERE.files, [path]: text } });
const cpu = (fields: object): Partial<Situation> => file("/proc/cpuinfo", cpuInfo({ ...CPU, ...fields }));
const entry = (group: string, name: string, value = "1") => session({ extra: { [group]: { [name]: value } } });
const cuda = (options: object) => session({ executionProviders: [{ name: "cuda", deviceId: 0, ...options }, "cpu"] });

/** Whether a profile stored here is found there. */
async function hits(change: Partial<Situation>): Promise<boolean> {
  const store = createMemoryStore();
  await store.put({ ...sampleProfile(), key: keyOf({}) });
  return (await store.get(keyOf(change))) !== undefined;
}

describe("whatever changes kernels, cost or bits is a miss", () => {
  it.each<[string, Partial<Situation>]>([
    ["another build of the runtime", { runtime: "onnxruntime-web" }],
    ["another version of the runtime", { runtimeVersion: "1.30.1" }],
    ["another execution provider", session({ executionProviders: ["webgpu", "cpu"] })],
    ["another fallback", session({ executionProviders: [{ name: "cuda", deviceId: 0 }, "webgpu", "cpu"] })],
    ["another GPU of the machine", cuda({ deviceId: 1 })],
    ["an option of the provider", cuda({ cudnn_conv_algo_search: "HEURISTIC" })],
    ["a layout", cuda({ preferredLayout: "NHWC" })],
    ["threads", session({ intraOpNumThreads: 2 })],
    ["threads between operators", session({ interOpNumThreads: 2 })],
    ["optimisation level", session({ graphOptimizationLevel: "basic" })],
    ["execution mode", session({ executionMode: "parallel" })],
    ["memory arena", session({ enableCpuMemArena: false })],
    ["memory pattern", session({ enableMemPattern: false })],
    ["graph capture", session({ enableGraphCapture: true })],
    ["fixed dimensions", session({ freeDimensionOverrides: { batch_size: 1 } })],
    ["where outputs go", session({ preferredOutputLocation: "gpu-buffer" })],
    ["prepacking", entry("session", "disable_prepacking")],
    ["spinning", entry("session", "intra_op.allow_spinning", "0")],
    ["accuracy of 4-bit kernels", entry("session", "qdq_matmulnbits_accuracy_level", "4")],
    ["denormals", entry("session", "set_denormal_as_zero")],
    ["fast bfloat16 on Arm", entry("mlas", "enable_gemm_fastmath_arm64_bfloat16")],
    ["an entry that nobody has heard of", entry("session", "some_new_knob")],
    ["a variable that ONNX Runtime reads", variable("ORT_GQA_DISABLE_FLASH_ATTENTION")],
    ["threads by variable", variable("OMP_NUM_THREADS", "2")],
    ["operating system", { platform: "darwin" }],
    ["architecture", { arch: "arm64" }],
    ["cores", { logicalCores: 4 }],
    ["CPU model", cpu({ "model name": "Other CPU" })],
    ["CPU stepping", cpu({ stepping: "9" })],
    ["instruction sets", cpu({ flags: "avx2 avx512f avx512_vnni" })],
    ["quota", file("/sys/fs/cgroup/kubepods/pod-1/cpu.max", "200000 100000")],
    ["GPU model", file(GPU, "Model: \t\t Other GPU\nGPU UUID: \t GPU-1\n")],
    ["GPU driver", file("/proc/driver/nvidia/version", "NVRM version: x Kernel Module  560.1  Tue Mar  5 2024\n")],
    ["model structure", { key: { model: "another" } }],
    ["context", { key: { cell: { contextLength: 512, batch: 1 } } }],
    ["batch", { key: { cell: { contextLength: 256, batch: 2 } } }],
    ["method of measuring", { key: { method: 2 } }],
  ])("%s", async (_what, change) => {
    expect(await hits(change)).toBe(false);
  });
});

describe("where and when something runs is none of the key's business", () => {
  it.each<[string, Partial<Situation>]>([
    ["nothing", {}],
    ["another user", variable("HOME", "/home/b")],
    ["another host", variable("HOSTNAME", "pod-2")],
    ["another working folder", variable("PWD", "/srv")],
    ["another temporary folder", variable("TMPDIR", "/scratch")],
    ["a variable for logs", variable("ORT_LOG_LEVEL", "1")],
    [
      "another pod",
      {
        files: {
          ...HERE.files,
          "/proc/self/cgroup": "0::/kubepods/pod-2",
          "/sys/fs/cgroup/kubepods/pod-2/cpu.max": "400000 100000",
        },
      },
    ],
    ["the clock at the moment", cpu({ "cpu MHz": "3400.1", bogomips: "4199.9" })],
    ["flags that no kernel looks at", cpu({ flags: "avx2 avx512f pae erms" })],
    ["flags in another order", cpu({ flags: "avx512f avx2" })],
    ["serial number of the GPU", file(GPU, "Model: \t\t Some GPU\nGPU UUID: \t GPU-2\n")],
    ["log name", session({ logId: "x" })],
    ["log level", session({ logSeverityLevel: 0, logVerbosityLevel: 3 })],
    ["profiling", session({ enableProfiling: true, profileFilePrefix: "/tmp/p" })],
    ["where the optimised model goes", session({ optimizedModelFilePath: "/tmp/m.onnx" })],
    ["where the model's weights lie", entry("session", "model_external_initializers_file_folder_path", "/models")],
    ["where a context is kept", entry("ep", "context_file_path", "/tmp/c")],
    ["where an engine is kept", cuda({ engineCachePath: "/tmp/e" })],
  ])("%s", async (_what, change) => {
    expect(await hits(change)).toBe(true);
  });
});
