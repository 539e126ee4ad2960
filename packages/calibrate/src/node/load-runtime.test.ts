import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { createFsStore } from "@nearfree/core/fs-store";
import { sampleProfile } from "@nearfree/core/test";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { installCopy } from "../testing/installed-copy.ts";
import { writeModelFolder } from "../testing/model-folder.ts";
import { loadedRuntimes, loadRuntime, runtimeVersion } from "./load-runtime.ts";

const require = createRequire(import.meta.url);
const REAL = dirname(realpathSync(require.resolve("onnxruntime-node/package.json")));
const COMMON = realpathSync(join(REAL, "..", "onnxruntime-common"));
const BINARY = ["bin", "napi-v6", process.platform, process.arch];

describe("an installation whose onnxruntime-node cannot be loaded", () => {
  let folder: string;
  let model: string;
  let installed: ReturnType<typeof installCopy>;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "nearfree-installed-"));
    installed = installCopy(folder);
    model = await writeModelFolder(join(folder, "model"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  beforeEach(() => rmSync(installed.runtime, { recursive: true, force: true }));

  /** The package's JavaScript without its binaries, and where its dependency is found. */
  function installCode(): void {
    for (const part of ["package.json", "dist"])
      cpSync(join(REAL, part), join(installed.runtime, part), { recursive: true });
    const common = join(installed.runtime, "node_modules", "onnxruntime-common");
    mkdirSync(dirname(common), { recursive: true });
    symlinkSync(COMMON, common, "junction");
  }

  const cases: [string, () => void, string][] = [
    [
      "not installed",
      () => {},
      "received no such package; ONNXRUNTIME_NODE_INSTALL_CUDA=skip npm install onnxruntime-node",
    ],
    [
      "for another platform",
      () => {
        installCode();
        mkdirSync(join(installed.runtime, "bin", "napi-v6", "plan9", "mips"), { recursive: true });
      },
      `received no binary for ${process.platform}/${process.arch};`,
    ],
    ["without its binaries", installCode, "received a package without its binaries;"],
    [
      "broken",
      () => {
        installCode();
        mkdirSync(join(installed.runtime, ...BINARY), { recursive: true });
        writeFileSync(join(installed.runtime, ...BINARY, "onnxruntime_binding.node"), "no binary");
      },
      "remove the package and install it again",
    ],
  ];

  it.each(cases)("%s: looks and predicts all the same, and says why it does not run", (_name, install, reason) => {
    install();
    const doctor = installed.run("doctor", "--json");
    expect(doctor.stderr).toBe("");
    const { runtime, warnings } = JSON.parse(doctor.stdout.trim().split("\n").at(-1)!);
    expect(runtime).toBe(null);
    expect(warnings).toEqual([expect.stringContaining(reason)]);
    expect(warnings[0]).toMatch(/^\[calibrate\] [^\n]{0,600}$/);

    const predicted = installed.run("predict", model, "--threads", "1");
    expect([predicted.status, predicted.stdout.length > 0]).toEqual([0, true]);
    expect(predicted.stderr).toContain(reason);

    const { status, stderr } = installed.run("calibrate", model);
    expect(stderr).toContain(reason);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect(status).toBe(2);
  });

  it("shows, reports and helps without it", async () => {
    await createFsStore({ root: join(folder, "cache") }).put(sampleProfile());
    for (const args of [["--help"], ["show"], ["report", "--out", join(folder, "report.html")], ["doctor"]]) {
      const { status, stderr, stdout } = installed.run(...args);
      expect([args, status, stderr]).toEqual([args, 0, ""]);
      expect(stdout).not.toBe("");
    }
  });
});

describe("loadRuntime", () => {
  it("loads onnxruntime-node once, whose version and place are known", async () => {
    const runtime = await loadRuntime();
    expect(await loadRuntime()).toBe(runtime);
    expect(runtimeVersion()).toBe(runtime.env.versions.node);
    expect(loadedRuntimes()).toEqual([`${REAL} (${runtimeVersion()})`]);
  });

  describe("with a second copy in the process", () => {
    let folder: string;
    beforeAll(() => {
      folder = realpathSync(mkdtempSync(join(tmpdir(), "nearfree-copy-")));
    });
    afterAll(() => rmSync(folder, { recursive: true, force: true }));
    const place = (name: string) => join(folder, name, "node_modules", "onnxruntime-node");
    const copy = (name: string) => {
      for (const part of ["package.json", "dist", "bin"])
        cpSync(join(REAL, part), join(place(name), part), { recursive: true });
      return join(place(name), "..", "onnxruntime-common");
    };

    it("names both", async () => {
      await loadRuntime();
      cpSync(COMMON, copy("own"), { recursive: true });
      require(place("own"));
      expect(loadedRuntimes()).toEqual([expect.stringContaining(REAL), expect.stringContaining(place("own"))]);
    });

    it("says which came first where the second cannot be loaded for it", () => {
      // A user's own copy, loaded before nearfree's, with the same onnxruntime-common.
      const installed = installCopy(join(folder, "app"));
      symlinkSync(COMMON, copy("first"), "junction");
      symlinkSync(COMMON, copy("app"), "junction");
      const index = pathToFileURL(join(installed.runtime, "../@nearfree/calibrate/dist/node/index.js")).href;
      const first = pathToFileURL(join(place("first"), "dist/index.js")).href;
      const script = `await import("${first}"); const { openModel } = await import("${index}"); await openModel("x").catch((e) => console.log(e.code, e.message))`;
      const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
      expect(stdout).toContain(`missing-runtime [calibrate] ${place("app")}: `);
      expect(stdout).toContain(`received another copy loaded before it: ${place("first")} (`);
    });
  });
});
