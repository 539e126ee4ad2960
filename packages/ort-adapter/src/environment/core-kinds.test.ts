import fc from "fast-check";
import { expect, it } from "vitest";
import { coreKinds } from "./core-kinds.ts";
import { parseCpuList } from "./cpu-list.ts";

/** A machine whose CPUs have these siblings, and a mask. */
function machine(siblings: readonly string[], mask: string, more: Record<string, string> = {}) {
  const files: Record<string, string> = { "/proc/self/status": `Cpus_allowed_list:\t${mask}\n`, ...more };
  for (const [cpu, list] of siblings.entries()) {
    files[`/sys/devices/system/cpu/cpu${cpu}/topology/thread_siblings_list`] = `${list}\n`;
  }
  return coreKinds((path) => files[path]);
}

const SMT = ["0,4", "1,5", "2,6", "3,7", "0,4", "1,5", "2,6", "3,7"];

it("tells two threads of a core from two cores", () => {
  expect(machine(SMT, "0,4")).toBe("1 core, 2 of 2 threads");
  expect(machine(SMT, "0-1")).toBe("2 cores, 1 of 2 threads");
  expect(machine(["0", "1"], "0-1")).toBe("2 cores, 1 of 1 thread");
  expect(machine(SMT, "0-2,4")).toBe("1 core, 2 of 2 threads + 2 cores, 1 of 2 threads");
});

it("is the same for any cores of the same kind: their numbers do not count", () => {
  expect(machine(SMT, "2,6")).toBe(machine(SMT, "0,4"));
});

it("tells performance cores from efficiency cores, as Intel names them and as arm rates them", () => {
  const hybrid = { "/sys/devices/cpu_core/cpus": "0-3\n", "/sys/devices/cpu_atom/cpus": "4-5\n" };
  const siblings = ["0-1", "0-1", "2-3", "2-3", "4", "5"];
  expect(machine(siblings, "0-5", hybrid)).toBe(
    "2 cores, 1 of 1 thread (efficiency) + 2 cores, 2 of 2 threads (performance)",
  );
  expect(machine(siblings, "4-5", hybrid)).toBe("2 cores, 1 of 1 thread (efficiency)");
  const capacity = (cpu: number, value: number) => ({
    [`/sys/devices/system/cpu/cpu${cpu}/cpu_capacity`]: `${value}\n`,
  });
  expect(machine(["0", "1"], "0-1", { ...capacity(0, 446), ...capacity(1, 1024) })).toBe(
    "1 core, 1 of 1 thread + 1 core, 1 of 1 thread (capacity 446)",
  );
});

it("says nothing where the system does not", () => {
  expect(coreKinds(() => undefined)).toBeUndefined();
  expect(machine([], "0-1")).toBeUndefined();
});

it("reads any list that Linux writes, and nothing of any other text", () => {
  expect(parseCpuList("0-2,5,7-8\n")).toEqual([0, 1, 2, 5, 7, 8]);
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(500), { maxLength: 20 }), (cpus) => {
      const sorted = cpus.sort((a, b) => a - b);
      expect(parseCpuList(sorted.join(","))).toEqual(sorted);
    }),
  );
  for (const text of ["", "a", "3-", "-", "1.5"]) expect(parseCpuList(text)).toEqual([]);
});
