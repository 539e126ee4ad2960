// Tests of vitest keep nothing in the user's cache folder: each run has one of its own, gone afterwards.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const folder = mkdtempSync(join(tmpdir(), "nearfree-test-cache-"));

export function setup() {
  process.env.NEARFREE_CACHE = folder;
}

export function teardown() {
  rmSync(folder, { recursive: true, force: true });
}
