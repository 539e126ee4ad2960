import type { InferenceSession, Tensor } from "onnxruntime-node";

/** A session that counts what its runs return in memory of their own. */
export interface CountedSession {
  readonly session: Pick<InferenceSession, "run" | "inputNames" | "outputNames" | "inputMetadata" | "outputMetadata">;
  /** Bytes of all outputs so far. */
  returnedBytes: number;
}

export function countedSession(bare: InferenceSession): CountedSession {
  const counted: CountedSession = {
    returnedBytes: 0,
    session: {
      inputNames: bare.inputNames,
      outputNames: bare.outputNames,
      inputMetadata: bare.inputMetadata,
      outputMetadata: bare.outputMetadata,
      async run(...args: Parameters<InferenceSession["run"]>) {
        const results = await bare.run(...args);
        for (const value of Object.values(results)) counted.returnedBytes += bytesOf(value as Tensor);
        return results;
      },
    } as CountedSession["session"],
  };
  return counted;
}

function bytesOf({ data }: Tensor): number {
  return (data as Float32Array).byteLength;
}
