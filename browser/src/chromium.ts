import { accessSync, constants } from "node:fs";

/** Where distributions put it. The browser is never downloaded. */
const PATHS = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** Chromium of this machine: the one that NEARFREE_CHROMIUM names, or one of the usual places; undefined where there is none. */
export const CHROMIUM: string | undefined = [process.env.NEARFREE_CHROMIUM ?? "", ...PATHS].find(isExecutable);

/** Stands in the title of what is skipped without it. */
export const NEEDS_CHROMIUM =
  CHROMIUM === undefined
    ? " (skipped: needs Chromium, apt-get install chromium, or its path in NEARFREE_CHROMIUM)"
    : "";

/** A page with WebGPU on the processor (SwiftShader), that talks to nobody. */
export const CHROMIUM_FLAGS = [
  "--enable-unsafe-webgpu",
  "--use-webgpu-adapter=swiftshader",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return path !== "";
  } catch {
    return false;
  }
}
