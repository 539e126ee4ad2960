import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { measuredUniqueExperts } from "@nearfree/core/principle";
import { type IoTemplates, readRouting } from "@nearfree/ort-adapter";
import { writeRoutedCopy } from "@nearfree/ort-adapter/node";
import type * as ort from "onnxruntime-node";
import { loadRuntime } from "./load-runtime.ts";
import { createSession } from "./open-model.ts";

/** Tokens of a text that are enough, where the model's context has room for them. */
export const ROUTING_TOKENS = 512;
/** Widest forward that experts are counted for. */
const MAX_POSITIONS = 64;

export interface MeasureRoutingOptions {
  /** Tokens of real text, at most as many as the model's context has places. */
  readonly tokens: ArrayLike<number>;
  readonly sessionOptions: ort.InferenceSession.SessionOptions;
  readonly ioNames?: Partial<IoTemplates> | undefined;
}

/**
 * Experts of a layer that n consecutive positions of a text wake, [n-1]: see `Profile.uniqueExperts`. Undefined for a model without fused
 * mixtures of experts.
 *
 * A copy of the model with its routers' scores among the outputs is loaded and run once: that takes the model's size on disk and in
 * memory for as long.
 *
 * @throws NearfreeError `missing-file`, `invalid-model`, `unsupported-model`, `run-failed`
 */
export async function measureRouting(
  modelPath: string,
  { tokens, sessionOptions, ioNames }: MeasureRoutingOptions,
): Promise<number[] | undefined> {
  const folder = await mkdtemp(join(tmpdir(), "nearfree-routing-"));
  try {
    const copy = await writeRoutedCopy(modelPath, folder);
    if (copy === undefined) return undefined;
    const { Tensor } = await loadRuntime();
    const session = await createSession(copy.path, sessionOptions);
    try {
      const layers = await readRouting(session, copy.routers, {
        Tensor,
        tokens,
        ...(ioNames && { ioNames }),
      });
      return measuredUniqueExperts(layers, copy.routers[0]!.active, MAX_POSITIONS);
    } finally {
      await session.release();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
