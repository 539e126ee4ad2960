import { readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { hashOf } from "@nearfree/core/measure";
import { externalLocations } from "../onnx/external-locations.ts";
import type { KvSizes } from "../onnx/graph/classify-io.ts";
import type { Model } from "../onnx/model.ts";
import { openModelFiles } from "../onnx/read/file-source.ts";
import { insideFolder } from "../onnx/read/inside-folder.ts";
import { readModel } from "../onnx/read/reader.ts";
import { isAbandoned, isFolder, publishFolder } from "../onnx/write/publish-folder.ts";
import { type CacheNames, cacheNames } from "./cache-names.ts";
import { REWRITE_VERSION, rewriteDecoder } from "./rewrite-decoder.ts";
import { whyUnwritable } from "./why-unwritable.ts";
import { REWRITE_FILE, writeRewrite } from "./write-rewrite.ts";

/** A rewritten model on disk, or why there is none. */
export type RewrittenFile =
  | {
      readonly form: "lean" | "rows";
      /** The graph's file; its weights are those of the original. */
      readonly path: string;
      /** Whether activations got a scale for each row in place of one for all. */
      readonly rowScales: boolean;
    }
  | { readonly form: "none"; readonly reason: string };

export interface RewriteOptions {
  /** Sizes of the KV cache where the graph has symbols. */
  readonly sizes?: KvSizes | undefined;
  /** `rows` leaves attention as it is, so that no bit changes. Default `lean`. */
  readonly most?: "lean" | "rows";
}

/** What a rewrite's folder says of itself. */
const NOTE = "rewrite.json";

/**
 * The rewrite of the model at `source`, from `folder` (a cache) or made now. Weights are hard-linked, never copied: where that cannot
 * be (another file system, no hard links, a cache that cannot be written), there is no rewrite, and the reason says so.
 *
 * Whatever happens to this process, a folder is whole or not there. Rewrites of models that are gone are removed, since their links
 * would keep the weights on the disk.
 *
 * @throws NearfreeError `missing-file`, `invalid-model` for a source that cannot be read.
 */
export async function rewriteModelFile(
  source: string,
  folder: string,
  { sizes, most = "lean" }: RewriteOptions = {},
): Promise<RewrittenFile> {
  const files = openModelFiles(source);
  try {
    const model = readModel(files);
    const cache = cacheNames(model, sizes);
    if (typeof cache === "string") return { form: "none", reason: cache };
    const target = join(folder, await identityOf(source, model, { cache, most }));
    const known = await readNote(target);
    if (known !== undefined) return known;
    await removeOrphans(folder);
    const rewrite = rewriteDecoder(model, cache, { most });
    if (rewrite.form === "none") return rewrite;
    const { form, rowScales } = rewrite;
    await publishFolder(target, async (temporary) => {
      await writeRewrite(rewrite.model, { source, files, folder: temporary });
      await writeFile(join(temporary, NOTE), JSON.stringify({ form, rowScales }));
    });
    return { form, rowScales, path: join(target, REWRITE_FILE) };
  } catch (error) {
    const reason = whyUnwritable(error, folder);
    if (reason === undefined) throw error;
    return { form: "none", reason };
  } finally {
    files.close();
  }
}

/** Names the files of the model as they are now, and the rewrite that is asked for. */
async function identityOf(
  source: string,
  model: Model,
  asked: { readonly cache: readonly CacheNames[]; readonly most: string },
): Promise<string> {
  const locations = externalLocations(model.graph);
  const paths = [source, ...[...locations].map((location) => join(dirname(source), insideFolder(source, location)))];
  const files = await Promise.all(
    paths.map(async (path) => {
      const { dev, ino, size, mtimeMs } = await stat(path);
      return { name: basename(path), dev, ino, size, mtimeMs };
    }),
  );
  return hashOf({ version: REWRITE_VERSION, ...asked, files }).slice(0, 32);
}

async function readNote(target: string): Promise<RewrittenFile | undefined> {
  try {
    const { form, rowScales } = JSON.parse(await readFile(join(target, NOTE), "utf8")) as Record<string, unknown>;
    if ((form !== "lean" && form !== "rows") || typeof rowScales !== "boolean") return undefined;
    return { form, rowScales, path: join(target, REWRITE_FILE) };
  } catch {
    return undefined;
  }
}

/** Removes rewrites whose weights nobody else links to, and what a killed process left. */
async function removeOrphans(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names) {
    const path = join(folder, name);
    const orphaned = name.startsWith(".") ? await isAbandoned(path) : await hasLostItsModel(path);
    if (orphaned) await rm(path, { recursive: true, force: true }).catch(() => {});
  }
}

async function hasLostItsModel(path: string): Promise<boolean> {
  if (!(await isFolder(path))) return false;
  const entries = await readdir(path, { recursive: true, withFileTypes: true }).catch(() => []);
  let links = 0;
  for (const entry of entries) {
    if (!entry.isFile() || entry.name === REWRITE_FILE || entry.name === NOTE) continue;
    const found = await stat(join(entry.parentPath, entry.name)).catch(() => undefined);
    if (found !== undefined && found.nlink > 1) return false;
    links++;
  }
  return links > 0;
}
