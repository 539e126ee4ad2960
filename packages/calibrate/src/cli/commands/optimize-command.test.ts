import { spawn, spawnSync } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openModel } from "../../node/open-model.ts";
import { COMMAND, commandIn, commandWith, expectRefusal } from "../../testing/command.ts";
import { prunedDecoder, statelessModel, writeModelFolder } from "../../testing/model-folder.ts";

let root: string;
const at = (...names: string[]) => join(root, ...names);
const nearfree = () => commandWith(at("cache"));
const optimize = (...args: string[]) => nearfree().run("optimize", ...args, "--threads", "1");

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "nearfree-optimize-cli-"));
  await writeModelFolder(at("model"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const WHOLE = ["config.json", "nearfree.json", "onnx", "tokenizer.json"];

describe("nearfree optimize", () => {
  it("writes a folder that generate and calibrate open", () => {
    const run = optimize(at("model"));
    expect(run.status, run.stderr).toBe(0);
    expect(run.stderr).toBe("");
    expect(run.stdout).toMatch(
      /^form: lean: .*\n {2}logits off by .*\n {2}forward +original +now +now \/ original +98% interval\n/,
    );
    expect(run.stdout).toContain(`written to ${at("model-nearfree")}\nIts weights are hard links`);
    const out = at("model-nearfree");
    const texts = [at("model"), out].map((model) => {
      const args = ["--prompt", "abc", "--max-new-tokens", "8", "--policy", "plain", "--no-calibrate", "--json"];
      const generated = nearfree().run("generate", model, ...args);
      expect(generated.status, generated.stderr).toBe(0);
      return JSON.parse(generated.last).completion;
    });
    expect(texts[1]).toBe(texts[0]);
    const calibrated = nearfree().run("calibrate", out, "--max-positions", "4", "--threads", "1", "--json");
    expect(calibrated.status, calibrated.stderr).toBe(0);
  });

  it("gives one object with --json", () => {
    const run = optimize(at("model"), "--out", at("out"), "--form", "rows", "--accuracy-level", "4", "--json");
    expect(run.status, run.stderr).toBe(0);
    expect(run.stdout.trimEnd().split("\n")).toHaveLength(1);
    expect(JSON.parse(run.last)).toMatchObject({
      model: at("model"),
      out: at("out"),
      weights: "linked",
      steps: [
        { step: "form", changed: true, effect: { logits: { largestError: 0, rows: 28, sameChoice: 28 } } },
        { step: "accuracy-level", changed: false },
      ],
    });
  });

  it("says in one line that nothing was there to change", async () => {
    const run = optimize(at("model"), "--form", "none", "--accuracy-level", "4");
    expect([run.status, run.stderr]).toEqual([0, ""]);
    expect(run.stdout).toContain("no MatMulNBits node");
    expect(run.stdout).toContain("nothing written");
    expect(await readdir(root)).toEqual(["model"]);
  });

  it("quantises on request, in blocks that the kernel takes", () => {
    const run = optimize(at("model"), "--form", "none", "--int4", "--block-size", "16", "--json");
    expect(run.status, run.stderr).toBe(0);
    const [step, ...others] = JSON.parse(run.last).steps;
    expect(others).toEqual([]);
    expect(step).toMatchObject({ step: "int4", changed: true, detail: expect.stringContaining("in blocks of 16") });
    const refused = optimize(at("model"), "--int4", "--block-size", "24");
    expect([refused.status, refused.stdout]).toEqual([2, ""]);
    expect(refused.stderr).toContain("expected 16, 32, 64, 128 or 256.");
  });

  it("gives a pruned head back", async () => {
    await writeModelFolder(at("pruned"), prunedDecoder());
    expectRefusal(
      optimize(at("pruned")),
      2,
      /a row for the last position only; run `nearfree optimize --unprune-head`/,
    );
    const run = optimize(at("pruned"), "--unprune-head");
    expect(run.status, run.stderr).toBe(0);
    expect(run.stdout).toMatch(/^unprune-head: the head gives logits of every row\n/);
  });
});

describe("bad input is one line, and nothing is written", () => {
  it.each<[string, number, RegExp, () => string[]]>([
    ["no such model", 2, /no such file or folder/, () => [at("nowhere")]],
    ["nothing to be done", 2, /--form none: expected something to be done/, () => [at("model"), "--form", "none"]],
    [
      "out inside the model folder",
      2,
      /one inside .*name another folder with --out/,
      () => [at("model"), "--out", at("model", "lean")],
    ],
    ["out is the model folder", 2, /the model's own folder/, () => [at("model"), "--out", at("model")]],
    ["out is around the model", 2, /one that the model is in/, () => [at("model"), "--out", root]],
    ["out is a file", 2, /received a file/, () => [at("model"), "--out", at("file")]],
    ["out below a file", 1, /cannot be used \((ENOTDIR|EEXIST)\)/, () => [at("model"), "--out", at("file", "out")]],
  ])("%s", async (_name, status, words, args) => {
    await writeFile(at("file"), "");
    expectRefusal(optimize(...args()), status, words);
    expect((await readdir(root)).sort()).toEqual(["file", "model"]);
    expect((await readdir(at("model"))).sort()).toEqual(["config.json", "onnx", "tokenizer.json"]);
  });

  it("a form that there is not, for the parser", () => {
    const run = optimize(at("model"), "--form", "leaner");
    expect(run.status).toBe(2);
    expect(run.stderr).toMatch(/^nearfree: error: option '--form <name>' argument 'leaner' is invalid/);
  });

  it("a model without a cache", async () => {
    await writeModelFolder(at("stateless"), statelessModel());
    expectRefusal(optimize(at("stateless")), 2, /no KV cache/);
    expect((await readdir(root)).sort()).toEqual(["model", "stateless"]);
  });

  it("a folder with something else in it", async () => {
    await mkdir(at("out"));
    await writeFile(at("out", "thesis.txt"), "years of work");
    expectRefusal(optimize(at("model"), "--out", at("out")), 2, /1 other files/);
    expect(await readdir(at("out"))).toEqual(["thesis.txt"]);
  });

  it.skipIf(process.platform === "win32")("a folder that cannot be written", async () => {
    await mkdir(at("closed"), { mode: 0o555 });
    await chmod(root, 0o755);
    // Root may write anywhere.
    const user = commandIn(process.env, process.getuid?.() === 0 ? 65_534 : undefined);
    expectRefusal(user.run("optimize", at("model"), "--out", at("closed", "out")), 1, /cannot be written/);
  });

  it.skipIf(process.platform === "win32")("a disk that takes no more", async () => {
    // A limit on the size of files: writes end early, as on a full disk.
    const script = `trap '' XFSZ; ulimit -f 8; exec "$@"`;
    const args = ["-c", script, "sh", process.execPath, COMMAND, "optimize", at("model"), "--standalone"];
    const run = spawnSync("bash", args, { encoding: "utf8" });
    expectRefusal({ ...run, last: "" }, 1, /cannot be used \(EFBIG\)|is full/);
    expect(await readdir(root)).toEqual(["model"]);
  });
});

describe("another file system", () => {
  const elsewhere = "/dev/shm";

  it("takes no hard links: the way out is --standalone, and works", async (context) => {
    const there = await stat(elsewhere).catch(() => undefined);
    if (there === undefined || there.dev === (await stat(root)).dev)
      context.skip(`${elsewhere} is no other file system`);
    const folder = await mkdtemp(join(elsewhere, "nearfree-optimize-"));
    try {
      const out = join(folder, "out");
      expectRefusal(optimize(at("model"), "--out", out), 1, /hard links/, /--standalone/);
      expect(await readdir(folder)).toEqual([]);
      const run = optimize(at("model"), "--out", out, "--standalone");
      expect(run.status, run.stderr).toBe(0);
      expect(run.stdout).toContain("Its weights are copies");
      expect((await readdir(out)).sort()).toEqual(WHOLE);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe("a process that is killed", () => {
  const POINTS = ["writing the model", "opening the original", "comparing form"];

  it.each(POINTS)("while it is %s leaves no part of a folder", async (point) => {
    const run = await nearfree().runUntil(
      new RegExp(point),
      (child) => child.kill("SIGKILL"),
      ...["optimize", at("model"), "--standalone", "--threads", "1", "--log-level", "info"],
    );
    expect(run.status).toBeNull();
    // What is left has a hidden name, and nobody takes it for a model.
    expect((await readdir(root)).filter((name) => !name.startsWith("."))).toEqual(["model"]);
    expect(optimize(at("model"), "--standalone").status).toBe(0);
    expect((await readdir(at("model-nearfree"))).sort()).toEqual(WHOLE);
  });

  it.each(POINTS)("while it is %s leaves the earlier result whole", async (point) => {
    expect(optimize(at("model"), "--form", "rows").status).toBe(0);
    await nearfree().runUntil(
      new RegExp(point),
      (child) => child.kill("SIGKILL"),
      ...["optimize", at("model"), "--threads", "1", "--log-level", "info"],
    );
    expect((await readdir(at("model-nearfree"))).sort()).toEqual(WHOLE);
    await (await openModel(at("model-nearfree"), { threads: 1 })).release();
  });

  it.each([
    ["onnx"],
    ["onnx", "model.onnx_data"],
    ["onnx", "model.onnx"],
    ["tokenizer.json"],
    [".trials"],
    ["nearfree.json"],
  ])("once %s/%s is there: what stands at --out is whole, or nothing is", async (...file) => {
    const args = ["optimize", at("model"), "--int4", "--standalone", "--threads", "1"];
    const child = spawn(process.execPath, [COMMAND, ...args], { stdio: "ignore" });
    const ended = new Promise<void>((resolve) => child.on("close", () => resolve()));
    const isThere = async () => {
      const hidden = (await readdir(root)).find((name) => name.startsWith(".model-nearfree-"));
      return hidden !== undefined && (await stat(at(hidden, ...file)).catch(() => undefined)) !== undefined;
    };
    while (child.exitCode === null && !(await isThere()));
    child.kill("SIGKILL");
    await ended;
    const visible = (await readdir(root)).filter((name) => !name.startsWith("."));
    // A process that was faster than we looked has done its work.
    if (visible.length > 1) expect((await readdir(at("model-nearfree"))).sort()).toEqual(WHOLE);
    else expect(visible).toEqual(["model"]);
  });

  it("or interrupted cleans up behind itself", async () => {
    const run = await nearfree().runUntil(
      /opening the original/,
      (child) => child.kill("SIGINT"),
      ...["optimize", at("model"), "--threads", "1", "--log-level", "info"],
    );
    expect(run.status).toBe(130);
    expect(run.stderr).toContain("nothing was written");
    expect(await readdir(root)).toEqual(["model"]);
  });
});
