import { expect, it } from "vitest";
import { parseCpuInfo } from "./cpu-info.ts";

// Captured from /proc/cpuinfo; repeated cores and most flags left out.
const ZEN5 = `processor	: 0
vendor_id	: AuthenticAMD
cpu family	: 26
model		: 2
model name	: AMD EPYC
stepping	: 1
microcode	: 0x1000065
cpu MHz		: 2596.096
flags		: fpu vme sse2 ssse3 fma sse4_1 sse4_2 avx f16c hypervisor avx2 avx512f avx512dq avx512bw avx512vl avx_vnni avx512_bf16 avx512_vnni
bogomips	: 5192.19

processor	: 1
vendor_id	: AuthenticAMD
cpu family	: 26
model		: 2
model name	: AMD EPYC
stepping	: 1
cpu MHz		: 3100.001
`;

const NEOVERSE_V1 = `processor	: 0
BogoMIPS	: 2100.00
Features	: fp asimd evtstrm aes crc32 atomics fphp asimdhp asimddp sve asimdfhm svei8mm svebf16 i8mm bf16
CPU implementer	: 0x41
CPU architecture: 8
CPU variant	: 0x1
CPU part	: 0xd40
CPU revision	: 1
`;

const BIG_LITTLE = `processor	: 0
Features	: fp asimd asimdhp
CPU implementer	: 0x41
CPU part	: 0xd05

processor	: 4
Features	: fp asimd asimdhp
CPU implementer	: 0x41
CPU part	: 0xd0a
`;

it("x86: name, family/model/stepping, kernel-relevant flags; nothing that changes from read to read", () => {
  expect(parseCpuInfo(ZEN5)).toEqual({
    model: "AMD EPYC (26/2/1)",
    flags: "avx avx2 avx512_bf16 avx512_vnni avx512bw avx512dq avx512f avx512vl avx_vnni f16c fma sse4_1",
  });
  expect(parseCpuInfo(ZEN5.replaceAll("2596.096", "1200.5"))).toEqual(parseCpuInfo(ZEN5));
});

it("arm: implementer and part", () => {
  expect(parseCpuInfo(NEOVERSE_V1)).toEqual({
    model: "(0x41/0xd40)",
    flags: "asimd asimddp asimdfhm asimdhp bf16 i8mm sve svebf16 svei8mm",
  });
});

it("arm with two kinds of cores: both", () => {
  expect(parseCpuInfo(BIG_LITTLE).model).toBe("(0x41/0xd05+0xd0a)");
});

it("unknown text: nothing", () => {
  expect(parseCpuInfo("no colons here\n:::\n")).toEqual({ model: "", flags: "" });
});
