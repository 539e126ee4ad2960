/** Waits between tries, in ms: half a second in all, what a scanner or an indexer takes to let go of a file. */
const WAITS_MS = [5, 10, 20, 40, 80, 160, 200];

/** Does `act` again, a few times and for a moment only, while it fails with one of `codes`. The last failure passes through. */
export async function retryBriefly<T>(act: () => Promise<T>, codes: ReadonlySet<string>): Promise<T> {
  for (const waitMs of WAITS_MS) {
    try {
      return await act();
    } catch (error) {
      if (!codes.has(errorCode(error))) throw error;
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  }
  return act();
}

/** The system's code of a failed call, e.g. `EACCES`; `unreadable` where there is none. */
export function errorCode(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "unreadable";
}

/** Whether a path leads nowhere. */
export function isMissing(error: unknown): boolean {
  return ["ENOENT", "ENOTDIR"].includes(errorCode(error));
}
