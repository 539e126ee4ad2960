import { join } from "node:path";
import { defaultCacheRoot } from "@nearfree/core/fs-store";
import type { RewrittenForm } from "@nearfree/core/principle";
import type { RowTraits } from "@nearfree/ort-adapter";
import { rewriteModelFile, rowConfig } from "@nearfree/ort-adapter/node";
import { NO_CACHE_FOLDER } from "../default-store.ts";
import type { ExaminedModel, OpenModelOptions } from "../examine-model.ts";

/** A model with a graph rewritten for its KV cache. */
export interface RewrittenModel {
  readonly form: RewrittenForm;
  readonly path: string;
  readonly traits: RowTraits;
}

/** Why there is no rewrite. `obstacle`: the model could have one, it is the cache folder that is in the way. */
export interface NoRewrite {
  readonly reason: string;
  readonly obstacle?: true;
}

/** The model's rewrite in `form`, or why it cannot be had. */
export async function rewrittenModel(
  { folder, sessionOptions }: ExaminedModel,
  form: RewrittenForm,
  { cache }: Pick<OpenModelOptions, "cache">,
): Promise<RewrittenModel | NoRewrite> {
  const [provider] = sessionOptions.executionProviders as string[];
  if (provider !== "cpu") return { reason: `on ${provider} the cache stays on the device` };
  const root = cache ?? defaultCacheRoot();
  if (root === undefined) return { reason: NO_CACHE_FOLDER };
  const rewrite = await rewriteModelFile(folder.modelPath, join(root, "rewrites"), {
    sizes: folder.kvSizes,
    rows: rowConfig(folder),
    most: form,
  });
  if (rewrite.form === "none") return rewrite;
  const { path, traits } = rewrite;
  return { form: rewrite.form, path, traits };
}
