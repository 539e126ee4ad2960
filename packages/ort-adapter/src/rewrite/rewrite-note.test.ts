import { link, mkdir, mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { linksIn, NOTE_FILE, readNote, stampOf, writeNote } from "./rewrite-note.ts";
import { REWRITE_FILE } from "./write-rewrite.ts";

let folder: string;
let source: string;
let rewrite: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "nearfree-note-"));
  source = join(folder, "model.onnx");
  rewrite = join(folder, "rewrite");
  await mkdir(rewrite);
  await writeFile(source, "weights");
  await link(source, join(rewrite, "model.onnx"));
  await writeFile(join(rewrite, REWRITE_FILE), "graph");
  const stamp = await stampOf(folder, "model.onnx");
  const traits = { walls: [64], window: undefined, dependence: undefined, coarse: undefined };
  await writeNote(rewrite, { form: "lean", rowScales: true, traits, source: stamp, links: await linksIn(rewrite) });
});

afterEach(() => rm(folder, { recursive: true, force: true }));

describe("readNote", () => {
  it("gives what was noted of a rewrite that is whole", async () => {
    expect(await readNote(rewrite, source)).toMatchObject({ form: "lean", rowScales: true, traits: { walls: [64] } });
  });

  it.each<[string, () => Promise<unknown>]>([
    ["no note", () => rm(join(rewrite, NOTE_FILE))],
    ["no JSON", () => writeFile(join(rewrite, NOTE_FILE), "{")],
    ["a note of nothing", () => writeFile(join(rewrite, NOTE_FILE), "null")],
    ["a note without files", () => writeFile(join(rewrite, NOTE_FILE), '{"form":"lean"}')],
    ["no graph", () => rm(join(rewrite, REWRITE_FILE))],
    ["another graph", () => writeFile(join(rewrite, REWRITE_FILE), "other")],
    ["no link", () => rm(join(rewrite, "model.onnx"))],
    ["another time", () => utimes(source, new Date(1), new Date(1))],
    ["no model", () => rm(source)],
    ["other weights", () => writeFile(source, "other weights")],
  ])("gives nothing where there is %s", async (_name, damage) => {
    await damage();
    expect(await readNote(rewrite, source)).toBeUndefined();
  });
});
