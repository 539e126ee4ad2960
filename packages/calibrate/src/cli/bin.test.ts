import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

it("says in one line what to do where nothing was compiled yet", () => {
  const folder = mkdtempSync(join(tmpdir(), "nearfree-bin-"));
  try {
    const program = join(folder, "bin", "nearfree.mjs");
    cpSync(fileURLToPath(new URL("../../bin/nearfree.js", import.meta.url)), program);
    const { status, stdout, stderr } = spawnSync(process.execPath, [program, "--help"], { encoding: "utf8" });
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toMatch(/^nearfree: expected .*; run `npm run build` in the repository\n$/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
