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

it("groups mounted elsewhere, as /proc/self/mountinfo says", () => {
  const legacy = {
    "/proc/self/mountinfo": "33 31 0:29 / /groups/cpu\\040time rw,relatime shared:9 - cgroup cgroup rw,cpuacct,cpu\n",
    "/proc/self/cgroup": "4:cpuacct,cpu:/a/b\n",
    "/groups/cpu time/a/cpu.cfs_quota_us": "50000\n",
    "/groups/cpu time/a/cpu.cfs_period_us": "100000\n",
  };
  expect(quotaOf(legacy)).toBe(0.5);
});

it("a container that was given its own nested group: what it sees as the root is deep in the host's tree", () => {
  const files = {
    "/proc/self/mountinfo": "42 31 0:29 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw\n",
    "/proc/self/cgroup": "0::/docker/abc/inner/leaf\n",
    "/sys/fs/cgroup/inner/leaf/cpu.max": "max 100000\n",
    "/sys/fs/cgroup/inner/cpu.max": "30000 20000\n",
    "/sys/fs/cgroup/cpu.max": "400000 100000\n",
  };
  expect(quotaOf(files)).toBe(1.5);
});

it("both versions at once: the tighter", () => {
  const files = {
    "/proc/self/cgroup": "1:cpu,cpuacct:/\n0::/\n",
    "/sys/fs/cgroup/unified/cpu.max": "300000 100000",
    "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "200000",
    "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000",
  };
  expect(quotaOf(files)).toBe(2);
});
