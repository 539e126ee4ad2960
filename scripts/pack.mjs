// `npm run pack [folder]`: install, build, and the tarballs that npm installs, in `folder` (default: packed). npm alone does it.
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { resolve } from "node:path";
import { build, install, root } from "./bootstrap.mjs";

const [place, built] = process.argv.slice(2);
const folder = resolve(place ?? `${root}packed`);
if (built !== "--built") {
  install();
  build();
}
mkdirSync(folder, { recursive: true });
const packages = ["core", "ort-adapter", "calibrate"].map((name) => `./packages/${name}`);
const { status } = spawnSync(
  "npm",
  ["pack", "--ignore-scripts", "--loglevel=error", "--pack-destination", folder, ...packages],
  {
    cwd: root,
    stdio: "inherit",
    shell: process.platform === "win32",
  },
);
if (status === 0) console.log(`in ${folder}`);
process.exitCode = status ?? 1;
