import { expect, it } from "vitest";
import { cpuQuota } from "./cpu-quota.ts";

const quotaOf = (files: Record<string, string>) => cpuQuota((path) => files[path]);

it("cgroup 2: the tightest of the group and those above", () => {
  const files = {
    "/proc/self/cgroup": "0::/kube/pod/box\n",
    "/sys/fs/cgroup/kube/pod/box/cpu.max": "max 100000\n",
    "/sys/fs/cgroup/kube/pod/cpu.max": "150000 100000\n",
    "/sys/fs/cgroup/cpu.max": "400000 100000\n",
  };
  expect(quotaOf(files)).toBe(1.5);
});

it("cgroup 2 in a container: the root of its own mount", () => {
  expect(quotaOf({ "/proc/self/cgroup": "0::/../far\n", "/sys/fs/cgroup/cpu.max": "50000 100000" })).toBe(0.5);
});

it("cgroup 1", () => {
  const files = {
    "/proc/self/cgroup": "5:devices:/\n4:cpu,cpuacct:/docker/abc\n0::/\n",
    "/sys/fs/cgroup/cpu/docker/abc/cpu.cfs_quota_us": "200000\n",
    "/sys/fs/cgroup/cpu/docker/abc/cpu.cfs_period_us": "100000\n",
  };
  expect(quotaOf(files)).toBe(2);
});

it("no limit, or no cgroups: nothing", () => {
  expect(quotaOf({})).toBeUndefined();
  expect(quotaOf({ "/proc/self/cgroup": "0::/", "/sys/fs/cgroup/cpu.max": "max 100000" })).toBeUndefined();
  const unlimited = { "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1", "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000" };
  expect(quotaOf({ "/proc/self/cgroup": "1:cpu:/", ...unlimited })).toBeUndefined();
});
