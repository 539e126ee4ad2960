import { existsSync, readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const root = new URL("../", import.meta.url);
const { scripts }: { scripts: Record<string, string> } = JSON.parse(
  readFileSync(new URL("package.json", root), "utf8"),
);
const pages = ["README.md", "AGENTS.md", "CHANGELOG.md", ...pagesIn("docs/")];

function pagesIn(folder: string): string[] {
  return readdirSync(new URL(folder, root), { withFileTypes: true }).flatMap((entry) => {
    if (entry.isDirectory()) return pagesIn(`${folder}${entry.name}/`);
    return entry.name.endsWith(".md") ? [folder + entry.name] : [];
  });
}

/** What a reader would copy: code spans, and lines that begin with a command. */
function commandsIn(page: string): string[] {
  const text = readFileSync(new URL(page, root), "utf8");
  return [...text.matchAll(/`([^`\n]+)`|^ *((?:npm|npx|pnpm) .+)$/gm)].map(([, span, line]) => span ?? line!);
}

test.each(pages)("%s: every command works with Node and npm alone", (page) => {
  for (const command of commandsIn(page)) {
    expect(command).not.toMatch(/^pnpm /);
    const run = /^npm run (?:-s )?([\w:<>-]+)(.*)$/.exec(command);
    if (run === null || run[1]!.includes("<")) continue;
    const [, script, rest] = run;
    expect(Object.keys(scripts)).toContain(script);
    // What stands before ` -- ` is npm's, not the script's.
    expect(rest!.split(/ #| -- /)[0], command).not.toContain("--");
  }
});

test("every script of package.json runs a file that is there", () => {
  for (const command of Object.values(scripts)) {
    const [, file, name] = /^node (scripts\/[\w-]+\.mjs)(?: (\S+))?$/.exec(command) ?? [];
    expect(file !== undefined && existsSync(new URL(file, root)), command).toBe(true);
    if (file === "scripts/bench.mjs")
      expect(existsSync(new URL(`bench/src/${name}/main.ts`, root)), command).toBe(true);
  }
});

test("every folder that README's tree names is there, under the one before it", () => {
  const tree = readFileSync(new URL("README.md", root), "utf8").split("## The tree")[1]!;
  let house = "";
  let room = "";
  let named = 0;
  for (const [, indent, names] of tree.matchAll(/^ {4}( *)((?:[\w/-]+\/ ?)+) +\S/gm)) {
    for (const name of names!.trim().split(" ")) {
      const path = indent!.length === 0 ? name : indent!.length === 2 ? house + name : room + name;
      if (indent!.length === 0) house = name;
      if (indent!.length === 2) room = path;
      expect(existsSync(new URL(path, root)), path).toBe(true);
      named++;
    }
  }
  expect(named).toBeGreaterThan(25);
});
