/** Reads a text file whole, or gives undefined where there is none. */
export type ReadText = (path: string) => string | undefined;

/** A hierarchy of control groups, mounted. */
interface Mount {
  /** Of the second version, in which one hierarchy serves every controller. */
  readonly unified: boolean;
  /** The group that is seen at the mount point: not the root where a container was given its own group only. */
  readonly root: string;
  readonly point: string;
}

/** Where distributions mount them, for systems that hide /proc/self/mountinfo. */
const USUAL_MOUNTS: readonly Mount[] = [
  { unified: true, root: "/", point: "/sys/fs/cgroup" },
  { unified: true, root: "/", point: "/sys/fs/cgroup/unified" },
  { unified: false, root: "/", point: "/sys/fs/cgroup/cpu" },
  { unified: false, root: "/", point: "/sys/fs/cgroup/cpu,cpuacct" },
];

/**
 * CPUs that the process's control groups allow, e.g. 1.5; undefined without a limit. The tightest of the group and those
 * above it counts. Both versions of Linux's cgroups, wherever they are mounted.
 */
export function cpuQuota(readText: ReadText): number | undefined {
  const quotas: number[] = [];
  const mounts = mountsIn(readText("/proc/self/mountinfo") ?? "");
  for (const line of (readText("/proc/self/cgroup") ?? "").split("\n")) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) continue;
    const unified = controllers === "";
    if (!unified && !controllers.split(",").includes("cpu")) continue;
    for (const mount of mounts.length > 0 ? mounts : USUAL_MOUNTS) {
      if (mount.unified !== unified) continue;
      for (const group of upwards(below(mount.root, path))) {
        const quota = (unified ? unifiedQuota : legacyQuota)(readText, `${mount.point}${group}`);
        if (quota !== undefined) quotas.push(quota);
      }
    }
  }
  return quotas.length === 0 ? undefined : Math.round(Math.min(...quotas) * 100) / 100;
}

/** `31 23 0:28 <root> <point> rw,relatime [...] - <type> <source> <options>`, blanks in paths as `\040`: proc(5). */
function mountsIn(text: string): Mount[] {
  return text.split("\n").flatMap((line): Mount[] => {
    const [mount = "", filesystem = ""] = line.split(" - ");
    const [, , , root, point] = mount.split(" ").map(unescapeOctal);
    const [type, , options = ""] = filesystem.split(" ");
    if (root === undefined || point === undefined) return [];
    if (type === "cgroup2") return [{ unified: true, root, point }];
    return type === "cgroup" && options.split(",").includes("cpu") ? [{ unified: false, root, point }] : [];
  });
}

function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

/** The path of a group from the mount's root on. */
function below(root: string, path: string): string {
  return root !== "/" && (path === root || path.startsWith(`${root}/`)) ? path.slice(root.length) : path;
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

function unifiedQuota(readText: ReadText, folder: string): number | undefined {
  const [quota, period] = (readText(`${folder}/cpu.max`) ?? "").trim().split(/\s+/).map(Number);
  return ratio(quota, period);
}

function legacyQuota(readText: ReadText, folder: string): number | undefined {
  const read = (name: string) => Number(readText(`${folder}/cpu.${name}`) ?? Number.NaN);
  return ratio(read("cfs_quota_us"), read("cfs_period_us"));
}

/** Without a limit the quota is `max` or -1. */
function ratio(quota: number | undefined, period: number | undefined): number | undefined {
  return quota !== undefined && period !== undefined && quota > 0 && period > 0 ? quota / period : undefined;
}
