import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { describe, expect, it, test } from "vitest";
import { addCommands, COMMANDS } from "./command-table.ts";

const packageFolder = fileURLToPath(new URL("../../", import.meta.url));
const nothing = () => async () => {};

const HOOK = `import { writeSync } from "node:fs";
export async function load(url, context, next) { writeSync(2, "loaded " + url + "\\n"); return next(url, context); }`;
const REGISTER = `import { register } from "node:module"; register(${JSON.stringify(dataUrl(HOOK))});`;

function dataUrl(text: string): string {
  return `data:text/javascript,${encodeURIComponent(text)}`;
}

/** Runs the command; the packages of others that it loaded, by name, in alphabetical order. */
function run(...args: string[]) {
  const bin = join(packageFolder, "bin/nearfree.js");
  const env = { ...process.env, NEARFREE_CACHE: join(packageFolder, "no-such-cache"), NEARFREE_SYSTEM_CACHE: "" };
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--import", dataUrl(REGISTER), bin, ...args], {
    encoding: "utf8",
    env,
  });
  const names = [...stderr.matchAll(/^loaded .*\/node_modules\/((?:@[^/]+\/)?[^/]+)\/.*$/gm)].map(([, name]) => name!);
  return { status, stdout, loaded: [...new Set(names)].sort() };
}

describe("what a command loads at its start", () => {
  test("--help and --version load what reads the command line, and nothing else", () => {
    for (const flag of ["--help", "--version"]) {
      expect(run(flag)).toMatchObject({ status: 0, loaded: ["commander"] });
    }
    expect(run("--help").stdout).toContain("calibrate [options] <model>");
  });

  test("show has no need of a runtime, of what draws or of the spinner", () => {
    const { status, stdout, loaded } = run("show");
    expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringContaining("no profiles yet") });
    expect(loaded).toContain("commander");
    for (const heavy of ["onnxruntime-node", "@observablehq/plot", "linkedom", "ora", "@huggingface/tokenizers"]) {
      expect(loaded).not.toContain(heavy);
    }
  });

  test("--version is that of the package", () => {
    const { version } = JSON.parse(readFileSync(join(packageFolder, "package.json"), "utf8"));
    expect(run("--version").stdout).toBe(`${version}\n`);
  });
});

describe("addCommands", () => {
  const added = async (...args: string[]) => {
    const program = new Command();
    await addCommands(program, args, nothing);
    return program.commands.map((command) => command.name());
  };

  it.each(COMMANDS)("lists $name with the arguments that it takes", async ({ name, takes, load }) => {
    const command = new Command(name);
    (await load())(command, nothing);
    const declared = command.registeredArguments.map((each) =>
      each.required ? `<${each.name()}>` : `[${each.name()}]`,
    );
    expect(takes).toBe(declared.join(" "));
    expect(command.options.length).toBeGreaterThan(0);
  });

  it("adds one command where one is asked for, else all", async () => {
    const all = COMMANDS.map(({ name }) => name);
    expect(await added("show", "--json")).toEqual(["show"]);
    expect(await added("--log-level", "debug", "show", "generate")).toEqual(["show"]);
    expect(await added("help", "report")).toEqual(["report"]);
    for (const none of [[], ["--help"], ["-h", "show"], ["shwo"], ["help"]]) expect(await added(...none)).toEqual(all);
  });
});
