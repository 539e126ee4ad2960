import type { Probe } from "@nearfree/core/measure";
import type { InferenceSession, TensorConstructor } from "onnxruntime-common";
import type { Model } from "../onnx/model.ts";

/** Widest forward of a signature's curves. */
export const MAX_POSITIONS = 64;
export const FLOAT_BYTES = 4;

/** The part of an `InferenceSession` that these probes need. */
export type SignatureSession = Pick<InferenceSession, "run" | "release" | "inputNames">;

/** Where the generated graphs of a signature run. */
export interface ProbeRuntime {
  readonly open: (model: Model) => Promise<SignatureSession>;
  readonly Tensor: TensorConstructor;
  readonly threads: number;
  readonly inPlaceCache: boolean;
}

/** A session whose inputs for n positions are made once. */
export function feedProbe(session: SignatureSession, feedsOf: (n: number) => InferenceSession.FeedsType): Probe {
  const feeds = new Map<number, InferenceSession.FeedsType>();
  return {
    maxPositions: MAX_POSITIONS,
    prepare: (n) => {
      if (!feeds.has(n)) feeds.set(n, feedsOf(n));
    },
    run: async (n) => {
      await session.run(feeds.get(n) ?? feedsOf(n));
    },
  };
}
