import { describe, expect, it } from "vitest";
import { chooseThreads, readCpuAllowance } from "./cpu-allowance.ts";

const status = (list: string) => `Name:\tnode\nCpus_allowed:\tff\nCpus_allowed_list:\t${list}\nMems_allowed:\t1\n`;

const allowance = (files: Record<string, string>, cores = { logicalCores: 8, machineCores: 8 }) =>
  readCpuAllowance({
    platform: "linux",
    arch: "x64",
    cpuModel: "",
    readText: (path) => files[path],
    list: () => [],
    ...cores,
  });

const quota = (text: string) => ({ "/proc/self/cgroup": "0::/", "/sys/fs/cgroup/cpu.max": text });

describe("threads by default", () => {
  it.each([
    ["no limit", {}, 8],
    ["a mask of four", { "/proc/self/status": status("0-1,6-7") }, 4],
    ["a quarter of a CPU", quota("25000 100000"), 1],
    ["one and a half", quota("150000 100000"), 1],
    ["two and a half", quota("250000 100000"), 2],
    ["a quota of more CPUs than the mask has", { "/proc/self/status": status("3"), ...quota("400000 100000") }, 1],
    ["a mask of more CPUs than the quota", { "/proc/self/status": status("0-3"), ...quota("200000 100000") }, 2],
    ["a quota without end", quota("max 100000"), 8],
  ])("with %s", (_what, files, threads) => {
    expect(allowance(files as Record<string, string>).threads).toBe(threads);
    expect(chooseThreads(undefined, allowance(files as Record<string, string>))).toBe(threads);
  });

  it("does not depend on how Node counts: newer ones count the quota", () => {
    const files = { "/proc/self/status": status("0-7") };
    expect(allowance(files, { logicalCores: 2, machineCores: 8 })).toEqual(allowance(files));
  });
});

describe("threads that are asked for", () => {
  it.each([0, -1, 1.5, Number.NaN, 33, 9_999_999])("%d is refused with the range", (asked) => {
    expect(() => chooseThreads(asked, allowance({}))).toThrow(
      /threads: expected an integer from 1 to 32, 4 for each CPU of this machine, received .*; leave it out for 8/,
    );
  });

  it("are taken, with a warning where they cannot all run", () => {
    const warnings: string[] = [];
    const choose = (asked: number, files: Record<string, string>) =>
      chooseThreads(asked, allowance(files), (message) => warnings.push(message));
    expect([choose(8, {}), choose(2, quota("250000 100000"))]).toEqual([8, 2]);
    expect(warnings).toEqual([]);
    expect([choose(4, quota("25000 100000")), choose(4, { "/proc/self/status": status("0-1") })]).toEqual([4, 4]);
    expect(warnings).toEqual([
      expect.stringMatching(/0\.25 CPUs by its quota/),
      expect.stringMatching(/2 by its affinity mask/),
    ]);
  });
});
