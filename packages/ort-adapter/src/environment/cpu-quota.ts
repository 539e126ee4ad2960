/** Reads a text file whole, or gives undefined where there is none. */
export type ReadText = (path: string) => string | undefined;

/**
 * CPUs that the process's control groups allow, e.g. 1.5; undefined without a limit. The tightest of the group and those
 * above it counts. Both versions of Linux's cgroups.
 */
export function cpuQuota(readText: ReadText): number | undefined {
  const quotas: number[] = [];
  for (const line of (readText("/proc/self/cgroup") ?? "").split("\n")) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) continue;
    const unified = controllers === "";
    if (!unified && !controllers.split(",").includes("cpu")) continue;
    for (const group of upwards(path)) {
      const quota = unified ? unifiedQuota(readText, group) : legacyQuota(readText, group);
      if (quota !== undefined) quotas.push(quota);
    }
  }
  return quotas.length === 0 ? undefined : Math.round(Math.min(...quotas) * 100) / 100;
}

/** "/a/b" -> "/a/b", "/a", "". In a container the path may not exist below its own mount: then the root is what counts. */
function upwards(path: string): string[] {
  const parts = path.split("/").filter((part) => part !== "" && part !== "..");
  return Array.from({ length: parts.length + 1 }, (_, i) =>
    parts
      .slice(0, parts.length - i)
      .map((part) => `/${part}`)
      .join(""),
  );
}

function unifiedQuota(readText: ReadText, group: string): number | undefined {
  const [quota, period] = (readText(`/sys/fs/cgroup${group}/cpu.max`) ?? "").trim().split(/\s+/).map(Number);
  return ratio(quota, period);
}

function legacyQuota(readText: ReadText, group: string): number | undefined {
  const read = (name: string) => Number(readText(`/sys/fs/cgroup/cpu${group}/cpu.${name}`) ?? Number.NaN);
  return ratio(read("cfs_quota_us"), read("cfs_period_us"));
}

/** Without a limit the quota is `max` or -1. */
function ratio(quota: number | undefined, period: number | undefined): number | undefined {
  return quota !== undefined && period !== undefined && quota > 0 && period > 0 ? quota / period : undefined;
}
