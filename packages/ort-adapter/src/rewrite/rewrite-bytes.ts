import { externalLocations } from "../onnx/external-locations.ts";
import type { KvSizes } from "../onnx/graph/classify-io.ts";
import type { RowConfig } from "../onnx/graph/rows/read-row-traits.ts";
import type { RowTraits } from "../onnx/graph/rows/row-traits.ts";
import { summarize } from "../onnx/graph/summarize.ts";
import { byteSource, type ModelFiles } from "../onnx/read/byte-source.ts";
import { readModel } from "../onnx/read/reader.ts";
import { encodeModelToBytes } from "../onnx/write/writer.ts";
import { cacheNames } from "./cache-names.ts";
import { rewriteDecoder, rewrittenTraits } from "./rewrite-decoder.ts";
import { withStoredWeights } from "./stored-weights.ts";

export interface RewriteBytesOptions {
  /** Path under which the runtime will find the original's own bytes. Default `model.onnx`. */
  readonly name?: string;
  /** Bytes of its external data, by location. Needed where small constants lie there. */
  readonly external?: Readonly<Record<string, Uint8Array>>;
  /** Sizes of the KV cache where the graph has symbols. */
  readonly sizes?: KvSizes | undefined;
  /** What the files beside the model say of its rows. */
  readonly rows?: RowConfig | undefined;
  /** `rows` leaves attention as it is, so that no bit changes. Default `lean`. */
  readonly most?: "lean" | "rows";
}

/** A rewritten model in memory, or why there is none. */
export type RewrittenBytes =
  | {
      readonly form: "lean" | "rows";
      /** The graph: some ten to hundred KB. */
      readonly bytes: Uint8Array;
      /** Paths that it reads weights from, the original's own among them: what the runtime is given as `externalData`. */
      readonly locations: readonly string[];
      readonly rowScales: boolean;
      readonly traits: RowTraits;
    }
  | { readonly form: "none"; readonly reason: string };

/**
 * The rewrite of a model in memory, for runtimes without a file system: onnxruntime-web takes the original's bytes once more, as external
 * data of the new graph (`InferenceSession.create(bytes, { externalData: [{ path: "model.onnx", data: model }] })`).
 *
 * @throws NearfreeError `invalid-model` for bytes that are no ONNX model.
 */
export function rewriteModelBytes(
  model: Uint8Array,
  { name = "model.onnx", external, sizes, rows, most = "lean" }: RewriteBytesOptions = {},
): RewrittenBytes {
  const files: ModelFiles = {
    model: byteSource(model, name),
    ...(external && { external: (location) => byteSource(external[location] ?? new Uint8Array(0), location) }),
  };
  const original = readModel(files);
  const cache = cacheNames(original, sizes);
  if (typeof cache === "string") return { form: "none", reason: cache };
  const rewrite = rewriteDecoder(original, cache, { most });
  if (rewrite.form === "none") return rewrite;
  const graph = withStoredWeights(rewrite.model.graph, files, name);
  const bytes = encodeModelToBytes({ ...rewrite.model, graph });
  const { traits } = summarize({ model: byteSource(bytes, name) }, rows);
  const { form, rowScales } = rewrite;
  return { form, bytes, locations: [...externalLocations(graph)], rowScales, traits: rewrittenTraits(form, traits) };
}
