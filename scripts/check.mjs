// `npm run check`: everything short of the tests. Each step runs, so that one run shows all that is wrong.
import { spawnSync } from "node:child_process";
import { install, root } from "./bootstrap.mjs";

install();
const bin = (name) => `${root}node_modules/.bin/${name}`;
const packages = ["core", "ort-adapter", "calibrate"];
const steps = [
  ["build", bin("tsc"), ["-b"]],
  ["types of tests", bin("tsc"), ["-p", "tsconfig.test.json"]],
  ["lint, format, boundaries", bin("biome"), ["check", "."]],
  [
    "order of the rooms, no circles",
    bin("depcruise"),
    ["--config", ".dependency-cruiser.mjs", "packages", "bench/src", "browser/src", "examples/src"],
  ],
  ["no folder is crowded", process.execPath, [`${root}scripts/room-sizes.mjs`]],
  ["unused code and dependencies", bin("knip"), []],
  ...packages.map((name) => [`publint ${name}`, bin("publint"), ["--strict", "--pack", "npm", `packages/${name}`]]),
  ...packages.map((name) => [
    `types of ${name} as published`,
    bin("attw"),
    ["--pack", `packages/${name}`, "--profile", "esm-only"],
  ]),
];
const failed = [];
for (const [what, command, args] of steps) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: root, encoding: "utf8" });
  console.log(`${status === 0 ? "ok    " : "FAILED"} ${what}`);
  if (status === 0) continue;
  failed.push(what);
  process.stdout.write(`${stdout}${stderr}`);
}
if (failed.length > 0) console.log(`check: ${failed.length} of ${steps.length} steps failed: ${failed.join("; ")}`);
process.exitCode = failed.length > 0 ? 1 : 0;
