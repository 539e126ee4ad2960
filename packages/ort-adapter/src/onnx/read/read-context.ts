import type { ModelFiles } from "./byte-source.ts";
import type { WireReader } from "./wire-reader.ts";

/** What reads one model: its fields, the files beside it, and how deep in nested graphs it stands. */
export interface ReadContext {
  readonly reader: WireReader;
  readonly files: ModelFiles;
  readonly depth: number;
}
