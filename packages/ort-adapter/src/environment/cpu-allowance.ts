import { NearfreeError } from "@nearfree/core";
import { allowedCpus } from "./cpu-list.ts";
import { cpuQuota } from "./cpu-quota.ts";
import { type DeviceSources, operatingSystem } from "./device-sources.ts";

/** How much of the machine's CPUs this process may use. */
export interface CpuAllowance {
  /** Logical CPUs that it may run on: its affinity mask. */
  readonly cpus: number;
  /** CPUs' worth of time that its control groups allow, e.g. 1.5; undefined without a limit. */
  readonly quota: number | undefined;
  /** Logical CPUs of the machine. */
  readonly machineCpus: number;
  /** Threads that can compute at once all the time: what a session takes by default. */
  readonly threads: number;
}

/** Threads for each CPU of the machine beyond which a wish is a slip: more than one only wait for each other, thousands hang. */
const MOST_PER_CPU = 4;

/**
 * A thread beyond the quota makes all of them wait: the group is stopped for the rest of each period, in the middle of a forward.
 * So the quota is rounded down, to one thread at least.
 */
export function readCpuAllowance(sources: DeviceSources = operatingSystem()): CpuAllowance {
  const cpus = allowedCpus(sources.readText)?.length ?? sources.logicalCores;
  const quota = cpuQuota(sources.readText);
  const threads = Math.max(1, Math.min(cpus, Math.floor(quota ?? cpus)));
  return { cpus, quota, machineCpus: Math.max(cpus, sources.machineCores ?? 0), threads };
}

/**
 * The intra-op threads that a session shall take: those asked for, or as many as this process may use.
 *
 * `onWarning` is told where more are asked for than may run at once.
 *
 * @throws NearfreeError `invalid-argument` for what is no number of threads, or for more than four for each CPU of the machine: ONNX
 *   Runtime would start them all.
 */
export function chooseThreads(
  asked: number | undefined,
  allowance: CpuAllowance = readCpuAllowance(),
  onWarning: (message: string) => void = () => {},
): number {
  const { cpus, quota, machineCpus, threads } = allowance;
  if (asked === undefined) return threads;
  if (!Number.isSafeInteger(asked) || asked < 1 || asked > MOST_PER_CPU * machineCpus) {
    throw new NearfreeError({
      code: "invalid-argument",
      from: "ort-adapter",
      what: "threads",
      expected: `an integer from 1 to ${MOST_PER_CPU * machineCpus}, ${MOST_PER_CPU} for each CPU of this machine`,
      received: String(asked),
      remedy: `leave it out for ${threads}, as many as this process may use`,
    });
  }
  const limit = quota !== undefined && quota < cpus ? `${quota} CPUs by its quota` : `${cpus} by its affinity mask`;
  if (asked > threads) onWarning(`${asked} threads, but this process may use ${limit}: they will wait for each other`);
  return asked;
}
