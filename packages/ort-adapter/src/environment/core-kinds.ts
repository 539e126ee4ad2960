import { allowedCpus, parseCpuList } from "./cpu-list.ts";
import type { ReadText } from "./cpu-quota.ts";

/** What Linux says of the fastest cores of a machine whose cores are not alike (arm). */
const FULL_CAPACITY = 1024;

/**
 * What kinds of cores the affinity mask holds, whatever their numbers: `4 cores, 2 of 2 threads (performance) + 2 cores, 1 of 1
 * thread (efficiency)`. Two threads of one core cost what two cores do not, and an efficiency core is no performance core. Undefined
 * where the system does not say.
 */
export function coreKinds(readText: ReadText): string | undefined {
  const allowed = allowedCpus(readText);
  if (allowed === undefined) return undefined;
  // Intel names the CPUs of each kind; arm gives each CPU a capacity.
  const performance = new Set(parseCpuList(readText("/sys/devices/cpu_core/cpus") ?? ""));
  const efficiency = new Set(parseCpuList(readText("/sys/devices/cpu_atom/cpus") ?? ""));
  const kindOf = (cpu: number) => {
    if (performance.has(cpu)) return " (performance)";
    if (efficiency.has(cpu)) return " (efficiency)";
    const capacity = Number(readText(`/sys/devices/system/cpu/cpu${cpu}/cpu_capacity`) ?? FULL_CAPACITY);
    return capacity > 0 && capacity !== FULL_CAPACITY ? ` (capacity ${capacity})` : "";
  };
  const mayRun = new Set(allowed);
  const cores = new Map<string, string>();
  for (const cpu of allowed) {
    const list = readText(`/sys/devices/system/cpu/cpu${cpu}/topology/thread_siblings_list`);
    const siblings = parseCpuList(list ?? "");
    if (siblings.length === 0) return undefined;
    const used = siblings.filter((each) => mayRun.has(each)).length;
    cores.set(
      siblings.join(),
      `${used} of ${siblings.length} ${siblings.length === 1 ? "thread" : "threads"}${kindOf(cpu)}`,
    );
  }
  const counts = new Map<string, number>();
  for (const kind of cores.values()) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  const words = [...counts].map(([kind, count]) => `${count} ${count === 1 ? "core" : "cores"}, ${kind}`);
  return words.sort().join(" + ");
}
