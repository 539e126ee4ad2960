import { readdirSync, readFileSync } from "node:fs";

/** Share of its running time that a process waits for a CPU beyond which what it measures is that of a loaded machine. */
export const BUSY_SHARE = 0.1;

/** Since it was made: how much other work took from this process. */
export interface LoadWatch {
  /** ms of waiting over ms of running and waiting; undefined where the system does not say. */
  waitedShare(): number | undefined;
}

/** Starts a watch. */
export type WatchLoad = () => LoadWatch;

/** Of this process as the system schedules it: Linux counts what each thread waited for a CPU while it had work. */
export function watchScheduler(): LoadWatch {
  const before = threadTimes();
  return {
    waitedShare() {
      let [ran, waited] = [0, 0];
      for (const [thread, times] of threadTimes()) {
        const start = before.get(thread);
        ran += times.ranNs - (start?.ranNs ?? 0);
        waited += times.waitedNs - (start?.waitedNs ?? 0);
      }
      return ran + waited > 0 ? waited / (ran + waited) : undefined;
    },
  };
}

/** Watches nothing: for scripted time. */
export function watchNothing(): LoadWatch {
  return { waitedShare: () => undefined };
}

interface ThreadTimes {
  readonly ranNs: number;
  readonly waitedNs: number;
}

const TASKS = "/proc/self/task";

/** By thread: `ran waited slices` of schedstat, the first two in ns. */
function threadTimes(): Map<string, ThreadTimes> {
  const times = new Map<string, ThreadTimes>();
  for (const thread of orNone(() => readdirSync(TASKS)) ?? []) {
    const text = orNone(() => readFileSync(`${TASKS}/${thread}/schedstat`, "utf8"));
    const [ranNs = Number.NaN, waitedNs = Number.NaN] = (text ?? "").trim().split(" ").map(Number);
    if (ranNs >= 0 && waitedNs >= 0) times.set(thread, { ranNs, waitedNs });
  }
  return times;
}

/** Elsewhere there is no such folder, and a thread may end while it is read. */
function orNone<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
