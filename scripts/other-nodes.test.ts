import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";

// What runs sessions is tested on the other Nodes too: ONNX Runtime does not give and take the same arrays on each (float16 on Node 24).
const ROOT = fileURLToPath(new URL("..", import.meta.url));
const NODES = ["20", "22", "24"].filter((major) => major !== process.versions.node.split(".")[0]);
const FILES = ["packages/ort-adapter/src/runner", "packages/ort-adapter/src/hook"];
const MINUTES = 60_000;

/** Not in step: a worker that waits for minutes without a turn of its loop is given up by vitest. */
const execute = promisify(execFile);

/** The binary that npm's package `node` has for this machine, or why there is none. */
async function findNode(major: string): Promise<{ readonly path: string } | { readonly reason: string }> {
  const args = ["--yes", "--prefer-offline", `node@${major}`, "-p", "process.execPath"];
  const env = { ...process.env, npm_config_fetch_retries: "0" };
  try {
    const options = { cwd: ROOT, env, timeout: 2 * MINUTES, shell: process.platform === "win32" };
    const path = (await execute("npx", args, options)).stdout.trim().split("\n").at(-1);
    return path ? { path } : { reason: `npx node@${major} names no binary` };
  } catch {
    return { reason: `npm's package node@${major} cannot be had here` };
  }
}

for (const major of NODES) {
  const node = await findNode(major);
  const missing = "reason" in node ? ` (skipped: ${node.reason})` : "";
  describe.skipIf(missing !== "")(`Node ${major}${missing}`, () => {
    it("passes the tests of runner and hook", { timeout: 10 * MINUTES }, async () => {
      const { path } = node as { readonly path: string };
      const vitest = ["node_modules/vitest/vitest.mjs", "run", "--maxWorkers=1", "--typecheck.enabled=false"];
      const { VITEST: _, ...env } = process.env;
      const options = { cwd: ROOT, env, maxBuffer: 1 << 28 };
      // Failed tests are an exit code of 1, and a report all the same.
      const run = execute(path, [...vitest, "--reporter=json", ...FILES], options);
      const { stdout, stderr } = await run.catch((error: { stdout: string; stderr: string }) => error);
      const report = stdout.slice(stdout.indexOf('{"num'));
      expect(report, stderr).not.toBe("");
      const { numPassedTests, testResults } = JSON.parse(report) as Report;
      const failed = testResults.flatMap(({ name, status, message, assertionResults }) => [
        ...assertionResults.filter((each) => each.status === "failed").map((each) => `${name}: ${each.fullName}`),
        ...(status === "failed" && assertionResults.length === 0 ? [`${name}: ${message}`] : []),
      ]);
      expect(failed).toEqual([]);
      expect(numPassedTests).toBeGreaterThan(200);
    });
  });
}

interface Report {
  readonly numPassedTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
}
