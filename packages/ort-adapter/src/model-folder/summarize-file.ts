import type { RowConfig } from "../onnx/graph/rows/read-row-traits.ts";
import { type ModelReport, summarize } from "../onnx/graph/summarize.ts";
import { openModelFiles } from "../onnx/read/file-source.ts";

/**
 * Reads and summarises the model at `path`, its weights left on disk. Files of any size. `config`: see `rowConfig`.
 * @throws NearfreeError `missing-file`, `invalid-model`
 */
export function summarizeFile(path: string, config?: RowConfig): ModelReport {
  const files = openModelFiles(path);
  try {
    return summarize(files, config);
  } finally {
    files.close();
  }
}
