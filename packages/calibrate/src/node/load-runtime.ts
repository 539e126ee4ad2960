import { existsSync, readFileSync, realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { NearfreeError } from "@nearfree/core";
import type * as ort from "onnxruntime-node";

/** The module onnxruntime-node. */
export type NodeRuntime = typeof ort;

const PACKAGE = "onnxruntime-node";
const INSTALL = `ONNXRUNTIME_NODE_INSTALL_CUDA=skip npm install ${PACKAGE}`;
const require = createRequire(import.meta.url);

let loading: Promise<NodeRuntime> | undefined;

/**
 * onnxruntime-node, loaded when it is first needed: whoever only looks at profiles or predicts does without.
 * @throws NearfreeError `missing-runtime`: not installed, no binary for this platform, or a binary that cannot be loaded.
 */
export function loadRuntime(): Promise<NodeRuntime> {
  loading ??= import("onnxruntime-node").catch((cause: unknown) => {
    throw missingRuntime(cause);
  });
  return loading;
}

/** Version of onnxruntime-node as its package.json says, loaded or not; undefined where it is not installed. */
export function runtimeVersion(): string | undefined {
  const folder = packageFolder();
  return folder && versionIn(folder);
}

/**
 * The copies of onnxruntime-node that this process has loaded, each with its version. More than one is a fault waiting to happen: a
 * tensor or a session of one is nothing to the other.
 */
export function loadedRuntimes(): string[] {
  const binding = `${sep}${PACKAGE}${sep}dist${sep}binding.js`;
  return Object.keys(require.cache)
    .filter((path) => path.endsWith(binding))
    .map((path) => dirname(dirname(path)))
    .map((folder) => `${folder} (${versionIn(folder) ?? "unknown version"})`);
}

/** The execution providers that can be loaded: bundled, or with their library beside the binary (CUDA, where it was installed). */
export function loadableProviders(runtime: NodeRuntime): string[] {
  const binaries = join(packageFolder() ?? "", "bin", "napi-v6", process.platform, process.arch);
  const library = (name: string) =>
    process.platform === "win32" ? `onnxruntime_providers_${name}.dll` : `libonnxruntime_providers_${name}.so`;
  return runtime
    .listSupportedBackends()
    .filter(({ name, bundled }) => bundled || existsSync(join(binaries, library(name))))
    .map(({ name }) => name);
}

function missingRuntime(cause: unknown): NearfreeError {
  const folder = packageFolder();
  return new NearfreeError({
    code: "missing-runtime",
    from: "calibrate",
    what: folder ?? PACKAGE,
    expected: "onnxruntime-node with a binary that loads here",
    ...diagnose(folder, reasonOf(cause)),
    cause,
  });
}

function diagnose(folder: string | undefined, reason: string): { readonly received: string; readonly remedy: string } {
  if (folder === undefined) return { received: "no such package", remedy: INSTALL };
  // Of two copies that share onnxruntime-common the second cannot announce itself to it.
  if (reason.includes("cannot register backend")) {
    const others = loadedRuntimes().filter((copy) => !copy.startsWith(`${folder} `));
    return { received: `another copy loaded before it: ${others.join(", ")}`, remedy: "keep one (npm dedupe)" };
  }
  const binaries = join(folder, "bin", "napi-v6");
  if (!existsSync(binaries))
    return { received: "a package without its binaries", remedy: `install it again: ${INSTALL}` };
  if (!existsSync(join(binaries, process.platform, process.arch))) {
    const received = `no binary for ${process.platform}/${process.arch}`;
    return { received, remedy: "use a platform that it is built for" };
  }
  return { received: reason, remedy: `remove the package and install it again: ${INSTALL}` };
}

/** Where Node would find the package for this module: known even where its code cannot be loaded. */
function packageFolder(): string | undefined {
  for (let at = dirname(fileURLToPath(import.meta.url)); ; at = dirname(at)) {
    const folder = join(at, "node_modules", PACKAGE);
    if (existsSync(join(folder, "package.json"))) return realpathSync(folder);
    if (at === dirname(at)) return undefined;
  }
}

function versionIn(folder: string): string | undefined {
  try {
    return (JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { version?: string }).version;
  } catch {
    return undefined;
  }
}

/** The first line, without the list of requires that Node adds. */
function reasonOf(cause: unknown): string {
  return (cause instanceof Error ? cause.message : String(cause)).split("\n")[0]!.slice(0, 200);
}
