import { createHash } from "node:crypto";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import type { RowTraits } from "../onnx/graph/rows/row-traits.ts";
import { REWRITE_FILE } from "./write-rewrite.ts";

/** What a rewrite's folder says of itself. */
export const NOTE_FILE = "rewrite.json";

/** A file of the original as it was when its rewrite was made. */
export interface FileStamp {
  /** Relative to the model's folder, and to that of the rewrite, where it is linked. */
  readonly path: string;
  readonly dev: number;
  readonly ino: number;
  readonly size: number;
  readonly mtimeMs: number;
}

export interface RewriteNote {
  readonly form: "lean" | "rows";
  readonly rowScales: boolean;
  /** Of the rewritten graph. */
  readonly traits: RowTraits;
  /** SHA-256 of the graph's file, hexadecimal. */
  readonly graph: string;
  /** The model's own file, linked or not. */
  readonly source: FileStamp;
  /** The files that hold its weights. */
  readonly links: readonly FileStamp[];
}

/** @throws what the file system says of a file that is not there. */
export async function stampOf(folder: string, path: string): Promise<FileStamp> {
  const { dev, ino, size, mtimeMs } = await stat(join(folder, path));
  return { path, dev, ino, size, mtimeMs };
}

/** The files of weights in the folder of a rewrite. */
export async function linksIn(folder: string): Promise<readonly FileStamp[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile() && entry.name !== REWRITE_FILE && entry.name !== NOTE_FILE)
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
  return Promise.all(paths.map((path) => stampOf(folder, path)));
}

export async function writeNote(folder: string, note: Omit<RewriteNote, "graph">): Promise<void> {
  const whole: RewriteNote = { ...note, graph: await hashOfGraph(folder) };
  await writeFile(join(folder, NOTE_FILE), JSON.stringify(whole));
}

/**
 * The note of a rewrite of `source` that is whole: its graph as it was written, its links there, and all of them still the files of the
 * model. Undefined for anything else; nothing of such a folder may be loaded.
 */
export async function readNote(folder: string, source: string): Promise<RewriteNote | undefined> {
  try {
    const note = JSON.parse(await readFile(join(folder, NOTE_FILE), "utf8")) as RewriteNote;
    if (note.form !== "lean" && note.form !== "rows") return undefined;
    const original = dirname(source);
    const places = [
      [original, note.source] as const,
      ...note.links.flatMap(
        (file) =>
          [
            [original, file],
            [folder, file],
          ] as const,
      ),
    ];
    const same = await Promise.all(places.map(([place, file]) => isStill(place, file)));
    const graph = await hashOfGraph(folder);
    return graph === note.graph && same.every((holds) => holds) && typeof note.traits === "object" ? note : undefined;
  } catch {
    return undefined;
  }
}

async function isStill(folder: string, stamp: FileStamp): Promise<boolean> {
  const { dev, ino, size, mtimeMs } = await stampOf(folder, stamp.path);
  return dev === stamp.dev && ino === stamp.ino && size === stamp.size && mtimeMs === stamp.mtimeMs;
}

async function hashOfGraph(folder: string): Promise<string> {
  return createHash("sha256")
    .update(await readFile(join(folder, REWRITE_FILE)))
    .digest("hex");
}
