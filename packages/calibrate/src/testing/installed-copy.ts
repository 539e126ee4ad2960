import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, realpathSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const PACKAGES = fileURLToPath(new URL("../../../", import.meta.url));

/**
 * Installs the built packages into `folder` as npm would, with every dependency but onnxruntime-node, which is for a test to put there.
 * Returns what runs the command in it.
 */
export function installCopy(folder: string) {
  const modules = join(folder, "node_modules");
  for (const name of ["core", "ort-adapter", "calibrate"]) {
    const from = join(PACKAGES, name);
    for (const part of ["package.json", "dist", "bin"]) {
      if (part === "bin" && name !== "calibrate") continue;
      cpSync(join(from, part), join(modules, "@nearfree", name, part), { recursive: true });
    }
    const { dependencies } = JSON.parse(readFileSync(join(from, "package.json"), "utf8")) as Manifest;
    for (const dependency of Object.keys(dependencies)) {
      if (dependency.startsWith("@nearfree/")) continue;
      const link = join(modules, "@nearfree", name, "node_modules", dependency);
      mkdirSync(dirname(link), { recursive: true });
      symlinkSync(realpathSync(join(from, "node_modules", dependency)), link, "junction");
    }
  }
  const command = join(modules, "@nearfree/calibrate/bin/nearfree.js");
  const env = { ...process.env, NEARFREE_CACHE: join(folder, "cache"), NEARFREE_SYSTEM_CACHE: "" };
  return {
    /** Where onnxruntime-node belongs. */
    runtime: join(modules, "onnxruntime-node"),
    run: (...args: string[]) => spawnSync(process.execPath, [command, ...args], { encoding: "utf8", env }),
  };
}

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
}
