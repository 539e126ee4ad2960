// Brings a fresh clone to the point where it runs: dependencies, then the TypeScript build. Plain JavaScript, Node only.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));

const LEAST_NODE = [20, 19];
const STAMP = `${root}node_modules/.nearfree-installed`;

/** Runs a command in the repository; its output goes to stderr, so that stdout stays the program's own. */
function run(command, args, what) {
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: ["ignore", 2, 2],
    // onnxruntime-node's install script would download CUDA libraries. pnpm does not run it; this is the second lock.
    env: { ...process.env, ONNXRUNTIME_NODE_INSTALL_CUDA: "skip" },
    shell: process.platform === "win32",
  });
  if (status === 0) return;
  console.error(`nearfree: ${what} failed (${error?.message ?? `exit code ${status}`}); the lines above say why`);
  process.exit(1);
}

function checkNode() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > LEAST_NODE[0] || (major === LEAST_NODE[0] && minor >= LEAST_NODE[1])) return;
  console.error(
    `nearfree: Node.js: expected ${LEAST_NODE.join(".")} or newer, received ${process.versions.node}; update Node.js`,
  );
  process.exit(1);
}

/** Installs the locked dependencies, once per lock file. */
export function install() {
  checkNode();
  const lock = createHash("sha256")
    .update(readFileSync(`${root}pnpm-lock.yaml`))
    .digest("hex");
  if (existsSync(STAMP) && readFileSync(STAMP, "utf8") === lock) return;
  const { packageManager } = JSON.parse(readFileSync(`${root}package.json`, "utf8"));
  run("npx", ["--yes", packageManager, "install", "--frozen-lockfile"], "installing the dependencies");
  writeFileSync(STAMP, lock);
}

/** Compiles every package; TypeScript skips what has not changed. */
export function build() {
  run(process.execPath, [`${root}node_modules/typescript/bin/tsc`, "-b"], "the TypeScript build");
}

/** Runs a compiled program in this process's place: its stdio, its exit code. */
export function exec(args) {
  // The program hears Ctrl-C too, and says what it kept: it is waited for.
  process.on("SIGINT", () => {});
  const { status, signal } = spawnSync(process.execPath, args, { cwd: process.cwd(), stdio: "inherit" });
  process.exitCode = status ?? { SIGINT: 130, SIGTERM: 143 }[signal] ?? 1;
}
