import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { expect, it } from "vitest";
import { sampleKey } from "../testing/sample-profile.ts";
import { createFsStore } from "./fs.ts";

/** 32 writers: threads share a process and its pid, processes share nothing. */
const PROCESSES = 4;
const THREADS = 8;
const PUBLISHES = 1_000;

const WRITER = `
  import { Worker, isMainThread, threadId, workerData } from "node:worker_threads";
  import { createFsStore } from "./src/stores/fs.js";
  import { sampleProfile } from "./src/testing/sample-profile.js";
  if (isMainThread) {
    const [root, threads, publishes] = process.argv.slice(2);
    for (let thread = 0; thread < Number(threads); thread++) {
      new Worker(new URL(import.meta.url), { workerData: { root, publishes: Number(publishes) } });
    }
  } else {
    const store = createFsStore({ root: workerData.root });
    for (let i = 1; i <= workerData.publishes; i++) {
      // Ratios of many lengths: a file torn between two writers would not parse.
      const ratios = Array.from({ length: 1 + ((i * threadId) % 12) }, (_, n) => 1 + n * threadId * 1e-3);
      await store.put({ ...sampleProfile(0, ratios), baseMs: i });
    }
  }`;

it(`${PROCESSES * THREADS} writers publish one entry ${PUBLISHES} times each; readers see whole profiles`, {
  timeout: 240_000,
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), "nearfree-writers-"));
  try {
    const root = join(folder, "store");
    await compileSources(folder);
    const warnings: string[] = [];
    const reader = createFsStore({ root, onWarning: (message) => warnings.push(message) });
    let running = true;
    const writers = Array.from({ length: PROCESSES }, () => runWriters(folder, root));
    const done = Promise.all(writers).finally(() => {
      running = false;
    });
    let reads = 0;
    while (running) {
      const profile = await reader.get(sampleKey());
      // Once there, always there: a rename leaves no moment without an entry.
      if (reads > 0 || profile !== undefined) expect(profile?.points.length).toBeGreaterThan(0);
      if (profile !== undefined) reads++;
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    expect(await done).toEqual(Array(PROCESSES).fill(0));
    expect(warnings).toEqual([]);
    expect(reads).toBeGreaterThan(10);
    const left = (await readdir(root, { recursive: true })).filter((name) => /\.(json|tmp|bad)$/.test(name));
    expect(left).toEqual([expect.stringMatching(/\.json$/)]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

function runWriters(folder: string, root: string): Promise<number | null> {
  const args = [join(folder, "writer.mjs"), root, String(THREADS), String(PUBLISHES)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "inherit"] });
  return new Promise((resolve) => child.on("exit", resolve));
}

/** The store's sources as JavaScript under `<folder>/src`: writers are processes of their own, which vitest does not transform. */
async function compileSources(folder: string): Promise<void> {
  const source = fileURLToPath(new URL("..", import.meta.url));
  const compilerOptions: ts.CompilerOptions = {
    module: ts.ModuleKind.ESNext,
    target: ts.ScriptTarget.ES2023,
    rewriteRelativeImportExtensions: true,
    verbatimModuleSyntax: true,
  };
  const names = (await readdir(source, { recursive: true })).filter((name) => /(?<!\.test|\.d|-d)\.ts$/.test(name));
  for (const name of names) {
    const { outputText } = ts.transpileModule(await readFile(join(source, name), "utf8"), { compilerOptions });
    const path = join(folder, "src", name.replace(/\.ts$/, ".js"));
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, outputText);
  }
  await symlink(join(source, "..", "node_modules"), join(folder, "node_modules"), "junction");
  await writeFile(join(folder, "package.json"), '{ "type": "module" }');
  await writeFile(join(folder, "writer.mjs"), WRITER);
}
