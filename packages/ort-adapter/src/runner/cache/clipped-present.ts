import { NearfreeError } from "@nearfree/core";
import type { Tensor } from "onnxruntime-common";
import type { KvSlot } from "../decoder-io.ts";
import { kvPositions } from "./kv-cache.ts";

/** A run left fewer positions of its cache than it was given and added: the model keeps a window of them. */
export class ClippedPresent extends NearfreeError {
  /** Per slot: positions that the present keeps; Infinity where it keeps them all. */
  readonly windows: readonly number[];

  constructor(slots: readonly KvSlot[], present: readonly Tensor[], total: number) {
    const at = present.findIndex((tensor) => kvPositions(tensor) !== total);
    super({
      code: "unsupported-model",
      from: "ort-adapter",
      what: `output ${slots[at]!.present}`,
      expected: `a KV cache of ${total} positions`,
      received: `[${present[at]!.dims.join(", ")}]`,
      remedy: "export the model without a window or static cache",
    });
    this.windows = present.map(kvPositions).map((kept) => (kept < total ? kept : Number.POSITIVE_INFINITY));
  }
}
