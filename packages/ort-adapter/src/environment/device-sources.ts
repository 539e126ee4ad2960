import { readdirSync, readFileSync } from "node:fs";
import { arch, availableParallelism, cpus, platform } from "node:os";

/** Where a device is read from: the operating system, or captured texts. */
export interface DeviceSources {
  readonly platform: string;
  readonly arch: string;
  /** CPUs that this process may run on, as Node counts them: used where /proc does not say. */
  readonly logicalCores: number;
  /** Logical CPUs of the machine. Default: as many as this process may run on. */
  readonly machineCores?: number;
  /** The operating system's name of the CPU, where there is no /proc/cpuinfo. */
  readonly cpuModel: string;
  readonly readText: (path: string) => string | undefined;
  readonly list: (folder: string) => readonly string[];
}

/** This machine. */
export function operatingSystem(): DeviceSources {
  const all = cpus();
  return {
    platform: platform(),
    arch: arch(),
    logicalCores: availableParallelism(),
    machineCores: all.length,
    cpuModel: all[0]?.model.trim() ?? "",
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
