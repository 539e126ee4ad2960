import { bundledModel, EXPORT_CACHE } from "./bundled-model.ts";
import type { ExportVariant } from "./export-checkpoint.ts";

/** `bundledModel` of the model that demo and benches decode with. */
export function tinyTs(variant: ExportVariant, cacheRoot = EXPORT_CACHE): Promise<string> {
  return bundledModel("tiny-ts", variant, cacheRoot);
}
