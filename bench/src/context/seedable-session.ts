import type { InferenceSession, OnnxValue, Tensor } from "onnxruntime-node";
import * as ort from "onnxruntime-node";

/** A session of which forwards can be skipped: a cache of thousands of positions is then there at once. */
export interface SeedableSession {
  readonly session: Pick<InferenceSession, "run" | "inputNames" | "outputNames" | "inputMetadata" | "outputMetadata">;
  /** While true, a run gives zeros of the right shapes and runs nothing. What a forward costs does not depend on what the cache holds. */
  seeding: boolean;
  /** Bytes of the outputs that runs have returned in memory of their own. */
  returnedBytes: number;
}

/**
 * `presents`: what the model's presents hold, the whole cache (`all`) or the new rows alone (`rows`).
 */
export function seedableSession(bare: InferenceSession, presents: "all" | "rows"): SeedableSession {
  const seedable: SeedableSession = {
    seeding: false,
    returnedBytes: 0,
    session: {
      inputNames: bare.inputNames,
      outputNames: bare.outputNames,
      inputMetadata: bare.inputMetadata,
      outputMetadata: bare.outputMetadata,
      async run(
        feeds: InferenceSession.FeedsType,
        fetches: InferenceSession.FetchesType,
        options?: InferenceSession.RunOptions,
      ) {
        const results = seedable.seeding
          ? skipped(feeds as Record<string, Tensor>, fetches as Record<string, OnnxValue | null>, presents)
          : await bare.run(feeds, fetches, options);
        for (const value of Object.values(results)) seedable.returnedBytes += bytesOf(value as Tensor);
        return results;
      },
    } as SeedableSession["session"],
  };
  return seedable;
}

function bytesOf({ data }: Tensor): number {
  return (data as Float32Array).byteLength;
}

function skipped(
  feeds: Record<string, Tensor>,
  fetches: Record<string, OnnxValue | null>,
  presents: "all" | "rows",
): Record<string, Tensor> {
  const rows = feeds.input_ids!.dims[1]!;
  const results: Record<string, Tensor> = {};
  for (const [name, given] of Object.entries(fetches)) {
    const past = feeds[name.replace(/^present/, "past_key_values")];
    if (past === undefined || !name.startsWith("present")) continue;
    const [batch = 1, heads = 1, length = 0, headDim = 1] = past.dims;
    const positions = presents === "all" ? length + rows : rows;
    const dims = [batch, heads, positions, headDim];
    const size = dims.reduce((product, dim) => product * dim, 1);
    results[name] = (given as Tensor | null) ?? new ort.Tensor("float32", new Float32Array(size), dims);
  }
  return results;
}
