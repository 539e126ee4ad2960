import { readdirSync, readFileSync } from "node:fs";
import { arch, availableParallelism, cpus, platform } from "node:os";
import type { Environment } from "@nearfree/core";
import { parseCpuInfo } from "./cpu-info.ts";
import { cpuQuota } from "./cpu-quota.ts";

/** Where a device is read from: the operating system, or captured texts. */
export interface DeviceSources {
  readonly platform: string;
  readonly arch: string;
  /** CPUs that this process may run on. */
  readonly logicalCores: number;
  /** The operating system's name of the CPU, where there is no /proc/cpuinfo. */
  readonly cpuModel: string;
  readonly readText: (path: string) => string | undefined;
  readonly list: (folder: string) => readonly string[];
}

const NVIDIA = "/proc/driver/nvidia";
const DRM = "/sys/class/drm";

/** The machine as far as it decides kernels and their cost: no host name, no address, no serial number. */
export function readNodeDevice(sources: DeviceSources = operatingSystem()): Environment["device"] {
  const { readText } = sources;
  const cpu = parseCpuInfo(readText("/proc/cpuinfo") ?? "");
  const quota = cpuQuota(readText);
  const gpus = sources
    .list(`${NVIDIA}/gpus`)
    .flatMap((gpu) => /^Model:\s*(.+)$/m.exec(readText(`${NVIDIA}/gpus/${gpu}/information`) ?? "")?.[1]?.trim() ?? []);
  // Every other vendor's: PCI ids.
  const cards = sources
    .list(DRM)
    .filter((name) => /^card\d+$/.test(name))
    .map(
      (card) =>
        `${readText(`${DRM}/${card}/device/vendor`)?.trim()}:${readText(`${DRM}/${card}/device/device`)?.trim()}`,
    )
    .filter((ids) => /^0x[\da-f]+:0x[\da-f]+$/.test(ids));
  const driver = /Kernel Module\D*([\d.]+)/.exec(readText(`${NVIDIA}/version`) ?? "")?.[1];
  return {
    arch: sources.arch,
    cores: sources.logicalCores,
    cpu: cpu.model || sources.cpuModel,
    ...(quota !== undefined && { cpuQuota: quota }),
    ...(cpu.flags !== "" && { flags: cpu.flags }),
    ...(driver !== undefined && { gpuDriver: driver }),
    ...(gpus.length > 0 && { gpus: gpus.sort().join(", ") }),
    ...(cards.length > 0 && { graphicsCards: cards.sort().join(", ") }),
    platform: sources.platform,
  };
}

function operatingSystem(): DeviceSources {
  return {
    platform: platform(),
    arch: arch(),
    logicalCores: availableParallelism(),
    cpuModel: cpus()[0]?.model.trim() ?? "",
    readText: (path) => orNothing(() => readFileSync(path, "utf8")),
    list: (folder) => orNothing(() => readdirSync(folder)) ?? [],
  };
}

/** Files under /proc and /sys exist on some systems only; one that cannot be read tells nothing. */
function orNothing<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
