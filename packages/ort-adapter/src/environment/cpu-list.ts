/** The CPUs in a list as Linux writes it, e.g. `0-3,8`: ascending; none of what is no list. */
export function parseCpuList(text: string): number[] {
  const cpus = new Set<number>();
  for (const part of text.trim().split(",")) {
    const [, first, last = first] = /^(\d{1,6})(?:-(\d{1,6}))?$/.exec(part.trim()) ?? [];
    if (first === undefined) continue;
    for (let cpu = Number(first); cpu <= Number(last); cpu++) cpus.add(cpu);
  }
  return [...cpus].sort((a, b) => a - b);
}

/** CPUs that this process may run on (its affinity mask, which a cpuset narrows); undefined where Linux does not say. */
export function allowedCpus(readText: (path: string) => string | undefined): number[] | undefined {
  const [, list] = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readText("/proc/self/status") ?? "") ?? [];
  const cpus = parseCpuList(list ?? "");
  return cpus.length > 0 ? cpus : undefined;
}
