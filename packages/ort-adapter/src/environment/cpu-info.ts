/** What of a CPU decides which kernels ONNX Runtime takes. */
export interface CpuInfo {
  readonly model: string;
  /** Kernel-relevant instruction sets, sorted, joined by spaces. */
  readonly flags: string;
}

/** Instruction sets that MLAS, KleidiAI or oneDNN choose kernels by; under Linux's names. */
const KERNEL_FLAGS = new Set([
  // x86
  "sse4_1",
  "avx",
  "f16c",
  "fma",
  "avx2",
  "avx_vnni",
  "avx_vnni_int8",
  "avx512f",
  "avx512bw",
  "avx512dq",
  "avx512vl",
  "avx512_vnni",
  "avx512_bf16",
  "avx512_fp16",
  "amx_tile",
  "amx_int8",
  "amx_bf16",
  "amx_fp16",
  "avx10",
  // arm
  "asimd",
  "neon",
  "asimdhp",
  "asimddp",
  "asimdfhm",
  "i8mm",
  "bf16",
  "sve",
  "sve2",
  "svei8mm",
  "svebf16",
  "sme",
  "sme2",
]);

/** Reads the text of Linux's /proc/cpuinfo, of any architecture. Unknown text gives an empty model and no flags. */
export function parseCpuInfo(text: string): CpuInfo {
  const lists = new Map<string, Set<string>>();
  for (const line of text.split("\n")) {
    const colon = line.indexOf(":");
    if (colon < 0) continue;
    const key = line.slice(0, colon).trim().toLowerCase();
    const values = lists.get(key) ?? new Set();
    values.add(line.slice(colon + 1).trim());
    lists.set(key, values);
  }
  const first = (key: string) => lists.get(key)?.values().next().value ?? "";
  // big.LITTLE: kernels are chosen for all cores or per core, so every kind counts.
  const all = (key: string) => [...(lists.get(key) ?? [])].sort().join("+");
  const x86 = [first("cpu family"), first("model"), first("stepping")].filter((part) => part !== "").join("/");
  const arm = [first("cpu implementer"), all("cpu part")].filter((part) => part !== "").join("/");
  const numbers = x86 || arm;
  const model = [first("model name"), numbers && `(${numbers})`].filter((part) => part !== "").join(" ");
  const flags = `${first("flags")} ${first("features")}`.split(/\s+/).filter((flag) => KERNEL_FLAGS.has(flag));
  return { model, flags: [...new Set(flags)].sort().join(" ") };
}
