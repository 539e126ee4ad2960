import type { Environment } from "@nearfree/core";
import { coreKinds } from "./core-kinds.ts";
import { readCpuAllowance } from "./cpu-allowance.ts";
import { parseCpuInfo } from "./cpu-info.ts";
import { type DeviceSources, operatingSystem } from "./device-sources.ts";

const NVIDIA = "/proc/driver/nvidia";
const DRM = "/sys/class/drm";

/** The machine as far as it decides kernels and their cost: no host name, no address, no serial number. */
export function readNodeDevice(sources: DeviceSources = operatingSystem()): Environment["device"] {
  const { readText } = sources;
  const cpu = parseCpuInfo(readText("/proc/cpuinfo") ?? "");
  const { cpus, quota } = readCpuAllowance(sources);
  const kinds = coreKinds(readText);
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
    ...(kinds !== undefined && { coreKinds: kinds }),
    cores: cpus,
    cpu: cpu.model || sources.cpuModel,
    ...(quota !== undefined && { cpuQuota: quota }),
    ...(cpu.flags !== "" && { flags: cpu.flags }),
    ...(driver !== undefined && { gpuDriver: driver }),
    ...(gpus.length > 0 && { gpus: gpus.sort().join(", ") }),
    ...(cards.length > 0 && { graphicsCards: cards.sort().join(", ") }),
    platform: sources.platform,
  };
}
