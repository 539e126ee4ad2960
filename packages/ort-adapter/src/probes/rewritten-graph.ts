import type { RewrittenForm } from "@nearfree/core/principle";
import type { Model } from "../onnx/model.ts";
import { cacheNames } from "../rewrite/cache-names.ts";
import { rewriteDecoder } from "../rewrite/rewrite-decoder.ts";

/** The graph of attentions in `form`, as that of a decoder is rewritten; undefined where it cannot be had in this form. */
export function rewrittenGraph(model: Model, form: RewrittenForm): Model | undefined {
  const names = cacheNames(model);
  if (typeof names === "string") return undefined;
  const rewrite = rewriteDecoder(model, names, { most: form });
  return rewrite.form === form ? rewrite.model : undefined;
}
