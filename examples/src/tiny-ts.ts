import { fileURLToPath } from "node:url";
import { exportTinyTs, type TinyTsVariant } from "./export-tiny-ts.ts";

/** Where the bundled checkpoint is. */
export const TINY_TS_SOURCE = fileURLToPath(new URL("../models/tiny-ts/", import.meta.url));

/** Where exports go unless the caller says otherwise. */
export const EXPORT_CACHE = fileURLToPath(new URL("../.cache/", import.meta.url));

/**
 * The folder of the bundled model in the layout of transformers.js, exported on first use.
 * `fp32`, `int4` and `int8` (dynamic) have fused attention and an in-place cache; `fp32-decomposed` is plain operators, for batches.
 */
export function tinyTs(variant: TinyTsVariant, cacheRoot = EXPORT_CACHE): Promise<string> {
  return exportTinyTs(TINY_TS_SOURCE, cacheRoot, variant);
}
