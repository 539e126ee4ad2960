import { NearfreeError } from "@nearfree/core";
import { type ByteSource, byteSource, summarize } from "@nearfree/ort-adapter/onnx";
import type { MutatedModel } from "./mutated-model.ts";

export interface MutatedOutcome {
  readonly outcome: "summary" | "error" | "crash";
  /** Of an error or a crash. */
  readonly message: string;
  /** Bytes asked of the file: work that grows with it, counted. */
  readonly bytesRead: number;
}

/** Summarises one mutated model. A crash is an exception that is no NearfreeError, or a summary that holds no numbers. */
export function summariseMutated({ bytes }: MutatedModel): MutatedOutcome {
  let bytesRead = 0;
  const source = byteSource(bytes, "mutated.onnx");
  const counting: ByteSource = {
    ...source,
    read(offset, length) {
      const found = source.read(offset, length);
      bytesRead += found.length;
      return found;
    },
  };
  try {
    const { summary } = summarize({ model: counting });
    const figures = [summary.weightBytes, summary.flopsPerPosition, summary.kvBytesPerPosition, summary.layers];
    const whole = figures.every((figure) => Number.isFinite(figure) && figure >= 0);
    return { outcome: whole ? "summary" : "crash", message: whole ? "" : `figures ${figures.join(", ")}`, bytesRead };
  } catch (error) {
    const clear = error instanceof NearfreeError && !error.message.includes("\n") && error.message.length < 2_000;
    return { outcome: clear ? "error" : "crash", message: String(error).slice(0, 400), bytesRead };
  }
}
