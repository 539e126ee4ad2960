import { randomUUID } from "node:crypto";
import { rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { hashOf } from "@nearfree/core/measure";
import type { KvSizes } from "../onnx/graph/classify-io.ts";
import type { RowConfig } from "../onnx/graph/rows/read-row-traits.ts";
import type { RowTraits } from "../onnx/graph/rows/row-traits.ts";
import { summarize } from "../onnx/graph/summarize.ts";
import { openModelFiles } from "../onnx/read/file-source.ts";
import { readModel } from "../onnx/read/reader.ts";
import { isFolder, publishFolder } from "../onnx/write/publish-folder.ts";
import { cacheNames } from "./cache-names.ts";
import { removeOrphans } from "./remove-orphans.ts";
import { REWRITE_VERSION, rewriteDecoder, rewrittenTraits } from "./rewrite-decoder.ts";
import { linksIn, type RewriteNote, readNote, stampOf, writeNote } from "./rewrite-note.ts";
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
      /** What the rewritten graph says of its rows. */
      readonly traits: RowTraits;
    }
  | {
      readonly form: "none";
      readonly reason: string;
      /** The model could be rewritten: it is the folder that is in the way. */
      readonly obstacle?: true;
    };

export interface RewriteOptions {
  /** Sizes of the KV cache where the graph has symbols. */
  readonly sizes?: KvSizes | undefined;
  /** What the files beside the model say of its rows: see `rowConfig`. */
  readonly rows?: RowConfig | undefined;
  /** `rows` leaves attention as it is, so that no bit changes. Default `lean`. */
  readonly most?: "lean" | "rows";
}

/**
 * The rewrite of the model at `source`, from `folder` (a cache) or made now. Weights are hard-linked, never copied: where that cannot
 * be (another file system, no hard links, a cache that cannot be written), there is no rewrite, and the reason says so.
 *
 * Whatever happens to this process, a folder is whole or not there; one that was damaged since, or whose model is another by now, is
 * made anew. Where it is there, nothing of the model is read. Rewrites of models that are gone are removed, since their links would keep
 * the weights on the disk.
 *
 * @throws NearfreeError `missing-file`, `invalid-model` for a source that cannot be read.
 */
export async function rewriteModelFile(
  source: string,
  folder: string,
  { sizes, rows, most = "lean" }: RewriteOptions = {},
): Promise<RewrittenFile> {
  const stamp = await stampOf(dirname(source), basename(source)).catch(() => undefined);
  const asked = { version: REWRITE_VERSION, sizes, rows, most };
  const target = join(folder, hashOf({ ...asked, source: stamp }).slice(0, 32));
  const known = await readNote(target, source);
  if (known !== undefined) return found(target, known);
  const files = openModelFiles(source);
  try {
    if (stamp === undefined) return changed(source);
    const model = readModel(files);
    const cache = cacheNames(model, sizes);
    if (typeof cache === "string") return { form: "none", reason: cache };
    await removeOrphans(folder);
    const rewrite = rewriteDecoder(model, cache, { most });
    if (rewrite.form === "none") return rewrite;
    const { form, rowScales } = rewrite;
    await discard(target, source);
    await publishFolder(target, async (temporary) => {
      await writeRewrite(rewrite.model, { source, files, folder: temporary });
      const links = await linksIn(temporary);
      const { traits } = summarizeAt(join(temporary, REWRITE_FILE), rows);
      await writeNote(temporary, {
        form,
        rowScales,
        traits: rewrittenTraits(form, traits),
        source: stamp,
        links,
      });
    });
    const note = await readNote(target, source);
    return note === undefined ? changed(source) : found(target, note);
  } catch (error) {
    const reason = whyUnwritable(error, folder);
    if (reason === undefined) throw error;
    return { form: "none", reason, obstacle: true };
  } finally {
    files.close();
  }
}

function changed(source: string): RewrittenFile {
  return { form: "none", reason: `${source} was changed while it was read` };
}

function found(target: string, { form, rowScales, traits }: RewriteNote): RewrittenFile {
  return { form, rowScales, traits, path: join(target, REWRITE_FILE) };
}

function summarizeAt(path: string, rows: RowConfig | undefined) {
  const files = openModelFiles(path);
  try {
    return summarize(files, rows);
  } finally {
    files.close();
  }
}

/** Takes a folder out of the way that is not whole, all at once: one that another process has made whole meanwhile is put back. */
async function discard(target: string, source: string): Promise<void> {
  // Others may be making the same one: what is not there, or whole by now, is left where it is.
  if (!(await isFolder(target)) || (await readNote(target, source)) !== undefined) return;
  const aside = join(dirname(target), `.${basename(target)}-${randomUUID()}`);
  try {
    await rename(target, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  if ((await readNote(aside, source)) !== undefined) await rename(aside, target).catch(() => {});
  await rm(aside, { recursive: true, force: true });
}
