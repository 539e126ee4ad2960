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
  for (const reason of skipReasons(testResults)) console.log(reason);
  const skipped = numPendingTests > 0 ? `, ${numPendingTests} skipped` : "";
  console.log(`${numPassedTests} passed, ${numFailedTests + brokenFiles} failed${skipped}`);
} catch {
  console.log("0 passed, 1 failed");
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = status ?? 1;

/** The titles that say why their tests are skipped, each once with its number of tests. */
function skipReasons(testResults) {
  const counts = new Map();
  for (const { assertionResults } of testResults) {
    for (const { status: outcome, ancestorTitles, title } of assertionResults) {
      const reason = [...ancestorTitles, title].find((each) => each.includes("(skipped: "));
      if (outcome !== "skipped" || reason === undefined) continue;
      counts.set(reason, (counts.get(reason) ?? 0) + 1);
    }
  }
  return [...counts].map(([reason, count]) => `${count} ${count === 1 ? "test" : "tests"} ${reason}`);
}
