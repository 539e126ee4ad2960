import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
let folder: string;
let tarballs: string[];
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "nearfree-packed-"));
  execFileSync(process.execPath, ["scripts/pack.mjs", folder, "--built"], { cwd: ROOT });
  tarballs = readdirSync(folder).sort();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it("packs three packages that npm can install, each with README and licence and without tests", () => {
  expect(tarballs.map((name) => name.replace(/-\d.*/, ""))).toEqual([
    "nearfree-calibrate",
    "nearfree-core",
    "nearfree-ort-adapter",
  ]);
  for (const tarball of tarballs) {
    const path = join(folder, tarball);
    const files = execFileSync("tar", ["-tf", path], { encoding: "utf8" }).split("\n");
    expect(files).toEqual(expect.arrayContaining(["package/README.md", "package/LICENSE", "package/dist/index.js"]));
    expect(files.filter((file) => file.includes(".test."))).toEqual([]);
    const manifest = execFileSync("tar", ["-xOf", path, "package/package.json"], { encoding: "utf8" });
    const { version, dependencies } = JSON.parse(manifest) as { version: string; dependencies: Record<string, string> };
    const own = Object.entries(dependencies).filter(([name]) => name.startsWith("@nearfree/"));
    expect(own.map(([, range]) => range)).toEqual(own.map(() => version));
    expect(manifest).not.toContain("workspace:");
  }
});

it("has the licence of the repository in each package", () => {
  for (const name of ["core", "ort-adapter", "calibrate"]) {
    expect(readFileSync(join(ROOT, "packages", name, "LICENSE"), "utf8")).toBe(
      readFileSync(join(ROOT, "LICENSE"), "utf8"),
    );
  }
});
