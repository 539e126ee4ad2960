import { afterEach, beforeEach, vi } from "vitest";

/** What the command wrote in the test at hand, where it runs in the test's own process. */
export interface CapturedOutput {
  stdout: string;
  stderr: string;
  /** The result with `--json`: the last line of stdout. */
  json(): ReturnType<typeof JSON.parse>;
}

/** Keeps from the terminal what the tests of this file write, and starts anew for each. */
export function captureOutput(): CapturedOutput {
  const written = {
    stdout: "",
    stderr: "",
    json: () => JSON.parse(written.stdout.trimEnd().split("\n").at(-1)!),
  };
  beforeEach(() => {
    for (const stream of ["stdout", "stderr"] as const) {
      written[stream] = "";
      vi.spyOn(process[stream], "write").mockImplementation((text) => {
        written[stream] += text;
        return true;
      });
    }
  });
  afterEach(() => vi.restoreAllMocks());
  return written;
}
