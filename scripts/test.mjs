// `npm test`: install, run every test, close with one line "N passed, N failed".
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build, install, root } from "./bootstrap.mjs";

install();
// The CLI tests run the compiled command as a user would.
build();
const folder = mkdtempSync(join(tmpdir(), "nearfree-test-"));
const report = join(folder, "report.json");
const { status } = spawnSync(
  process.execPath,
  [
    `${root}node_modules/vitest/vitest.mjs`,
    "run",
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${report}`,
    ...process.argv.slice(2),
  ],
  { cwd: root, stdio: "inherit" },
);
try {
  const { numPassedTests, numFailedTests, numPendingTests, testResults } = JSON.parse(readFileSync(report, "utf8"));
  // A file that fails to load has no failed test of its own, yet it is a failure.
  const brokenFiles = testResults.filter(
    (file) => file.status === "failed" && file.assertionResults.length === 0,
  ).length;
  const skipped = numPendingTests > 0 ? `, ${numPendingTests} skipped` : "";
  console.log(`${numPassedTests} passed, ${numFailedTests + brokenFiles} failed${skipped}`);
} catch {
  console.log("0 passed, 1 failed");
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = status ?? 1;
