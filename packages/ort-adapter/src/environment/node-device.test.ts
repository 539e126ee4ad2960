import { hostname } from "node:os";
import { expect, it } from "vitest";
import { readNodeDevice } from "./node-device.ts";

it("holds CPU, quota and NVIDIA devices, keys sorted", () => {
  const files: Record<string, string> = {
    "/proc/cpuinfo":
      "model name\t: Some CPU\ncpu family\t: 6\nmodel\t: 143\nstepping\t: 8\nflags\t: avx2 amx_tile pae\n",
    "/proc/self/cgroup": "0::/",
    "/sys/fs/cgroup/cpu.max": "800000 100000",
    "/proc/driver/nvidia/version": "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5 2024\n",
    "/proc/driver/nvidia/gpus/0000:01:00.0/information":
      "Model: \t\t NVIDIA H200\nIRQ:   \t\t 64\nGPU UUID: \t GPU-secret\n",
  };
  const device = readNodeDevice({
    platform: "linux",
    arch: "x64",
    logicalCores: 16,
    cpuModel: "unused",
    readText: (path) => files[path],
    list: (folder) => (folder === "/proc/driver/nvidia/gpus" ? ["0000:01:00.0"] : []),
  });
  expect(device).toEqual({
    arch: "x64",
    cores: 16,
    cpu: "Some CPU (6/143/8)",
    cpuQuota: 8,
    flags: "amx_tile avx2",
    gpuDriver: "550.54.15",
    gpus: "NVIDIA H200",
    platform: "linux",
  });
  expect(Object.keys(device)).toEqual(Object.keys(device).sort());
});

it("without /proc takes the operating system's name of the CPU", () => {
  const nothing = { readText: () => undefined, list: () => [] };
  expect(
    readNodeDevice({ platform: "darwin", arch: "arm64", logicalCores: 8, cpuModel: "Apple M3", ...nothing }),
  ).toEqual({
    arch: "arm64",
    cores: 8,
    cpu: "Apple M3",
    platform: "darwin",
  });
});

it("holds graphics cards of any vendor by their PCI ids", () => {
  const files: Record<string, string> = {
    "/sys/class/drm/card1/device/vendor": "0x1002\n",
    "/sys/class/drm/card1/device/device": "0x744c\n",
    "/sys/class/drm/card0/device/vendor": "0x8086\n",
    "/sys/class/drm/card0/device/device": "0x4680\n",
  };
  const device = readNodeDevice({
    platform: "linux",
    arch: "x64",
    logicalCores: 8,
    cpuModel: "Some CPU",
    readText: (path) => files[path],
    list: (folder) => (folder === "/sys/class/drm" ? ["card1", "card0", "card0-HDMI-A-1", "version", "card2"] : []),
  });
  expect(device.graphicsCards).toBe("0x1002:0x744c, 0x8086:0x4680");
  expect(Object.keys(device)).toEqual(Object.keys(device).sort());
});

it("is the same on every read of this machine and does not name it", () => {
  expect(readNodeDevice()).toEqual(readNodeDevice());
  expect(Object.values(readNodeDevice())).not.toContain(hostname());
});
