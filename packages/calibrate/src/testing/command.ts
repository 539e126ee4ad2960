import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";

export const COMMAND = fileURLToPath(new URL("../../bin/nearfree.js", import.meta.url));

/** What a run of the command left. */
export interface CommandRun {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Last line of stdout: the result with `--json`. */
  readonly last: string;
}

/** The command with a cache of its own, and none of the system's unless one is named. */
export function commandWith(cache: string, systemCache = "") {
  return commandIn({ ...process.env, NEARFREE_CACHE: cache, NEARFREE_SYSTEM_CACHE: systemCache });
}

/** The command with this environment, as this user of the system (default: the one who runs the tests). */
export function commandIn(env: NodeJS.ProcessEnv, uid?: number) {
  const as = { env, ...(uid !== undefined && { uid }) };
  const toRun = (status: number | null, stdout: string, stderr: string): CommandRun => {
    return { status, stdout, stderr, last: stdout.trimEnd().split("\n").at(-1) ?? "" };
  };
  return {
    /** Runs the command as a user would: a process, its exit code, what it printed. */
    run(...args: string[]): CommandRun {
      const { status, stdout, stderr } = spawnSync(process.execPath, [COMMAND, ...args], { encoding: "utf8", ...as });
      return toRun(status, stdout, stderr);
    },
    /** Runs it beside whatever else runs. */
    start(...args: string[]): Promise<CommandRun> {
      return this.runUntil(/^$/, () => {}, ...args);
    },
    /** Runs it until `pattern` shows on stderr, then does `act` to the process. */
    async runUntil(pattern: RegExp, act: (child: ChildProcess) => void, ...args: string[]): Promise<CommandRun> {
      const child = spawn(process.execPath, [COMMAND, ...args], { ...as, stdio: ["ignore", "pipe", "pipe"] });
      let [stdout, stderr, acted] = ["", "", false];
      child.stdout.on("data", (data) => {
        stdout += data;
      });
      child.stderr.on("data", (data) => {
        stderr += data;
        if (acted || !pattern.test(stderr)) return;
        acted = true;
        act(child);
      });
      const status = await new Promise<number | null>((resolve) => child.on("close", resolve));
      return toRun(status, stdout, stderr);
    },
  };
}

/** One line on stderr that names the culprit, no stack trace, the exit code. */
export function expectRefusal(run: CommandRun, status: number, ...parts: (string | RegExp)[]): void {
  const lines = run.stderr.trimEnd().split("\n");
  expect(lines).toHaveLength(1);
  for (const part of parts) expect(lines[0]).toMatch(part);
  expect(run.stderr).not.toMatch(/^\s+at /m);
  expect(run.status).toBe(status);
}
