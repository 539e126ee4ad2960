import { spawnSync } from "node:child_process";
import { chmod, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { COMMAND, type CommandRun, commandIn } from "../testing/command.ts";
import { writeModelFolder } from "../testing/model-folder.ts";

const { HOME: _, NEARFREE_CACHE: __, XDG_CACHE_HOME: ___, ...rest } = process.env;
/** No user of this number: `homedir()` throws, as in a container that is run with a number alone. */
const NOBODY = 65_533;
const mayBeNobody =
  process.geteuid?.() === 0 &&
  spawnSync(process.execPath, ["-e", `require("fs").readFileSync(process.argv[1])`, COMMAND], { uid: NOBODY })
    .status === 0;

/** ONNX Runtime has a line of its own to say where it finds no home. */
const said = ({ stderr }: CommandRun) => stderr.split("\n").filter((line) => /^nearfree:|^{/.test(line));

let folder: string;
let model: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nearfree-home-"));
  await chmod(folder, 0o777);
  model = await writeModelFolder(join(folder, "model"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe.each([
  { user: "whose HOME is empty", home: { HOME: "" }, uid: undefined, able: true },
  { user: "of no name, who has none", home: {}, uid: NOBODY, able: mayBeNobody },
])("a user $user", ({ home, uid, able }) => {
  const env = { ...rest, ...home, NEARFREE_SYSTEM_CACHE: "" };
  const measure = () => ["calibrate", model, "--context", "24", "--max-positions", "4", "--json"];
  const nearfree = (...args: string[]) => commandIn(env, uid).run(...args);

  test.skipIf(!able)("measures, with one warning and nothing kept", () => {
    const run = nearfree(...measure());
    expect(run.status, run.stderr).toBe(0);
    expect(JSON.parse(run.last)).toMatchObject({ origin: "measured" });
    expect(said(run)).toEqual([expect.stringContaining("no home folder")]);
  });

  test.skipIf(!able)("keeps a profile where --cache or NEARFREE_CACHE say", async () => {
    for (const [name, run] of [
      ["option", () => nearfree(...measure(), "--cache", join(folder, `option-${uid}`))],
      ["variable", () => commandIn({ ...env, NEARFREE_CACHE: join(folder, `variable-${uid}`) }, uid).run(...measure())],
    ] as const) {
      const done = run();
      expect({ status: done.status, said: said(done) }).toEqual({ status: 0, said: [] });
      expect(await readdir(join(folder, `${name}-${uid}`))).toEqual(["v1"]);
    }
  });

  test.skipIf(!able)("is told what there is by every command that looks", () => {
    expect(JSON.parse(nearfree("doctor", "--json").last).cache).toEqual({ root: null, writable: false, profiles: 0 });
    expect(nearfree("doctor").stdout).toMatch(/^cache +none$/m);
    expect(JSON.parse(nearfree("show", "--json").last)).toEqual({ profiles: [] });
    expect(nearfree("predict", model).status).toBe(0);
    expect(nearfree("generate", model, "--prompt", "ab", "--max-new-tokens", "4", "--no-calibrate").status).toBe(0);
  });
});
