import { join } from "node:path";
import { createModelProbe } from "@nearfree/calibrate";
import type { OpenModelOptions } from "@nearfree/calibrate/node";
import type { Cell } from "@nearfree/core";
import type { Probe } from "@nearfree/core/measure";
import { createBatchProbe } from "@nearfree/ort-adapter";
import * as ort from "onnxruntime-node";
import { type BenchEnvironment, type BenchModel, modelFolder } from "../setup/bench-models.ts";
import { benchTokens } from "../setup/bench-tokens.ts";
import { openIn } from "../setup/open-in.ts";

/** Widest forward of a cell. */
const MAX_POSITIONS = 64;

/** A model in one environment, ready to be measured at any of its cells. */
export interface OpenCells {
  /** A probe of one cell; those made before must no longer be used. */
  probe(cell: Cell): Promise<Probe>;
  release(): Promise<void>;
}

/**
 * The cells of a model: its contexts for one sequence, and the shortest for more. On wasm, where a long context takes minutes to
 * read in, the shortest alone.
 */
export function cellsOf({ contexts, batches }: BenchModel, { ep }: BenchEnvironment): Cell[] {
  const shortest = contexts.slice(0, 1);
  if (ep === "wasm") return shortest.map((contextLength) => ({ contextLength, batch: 1 }));
  return batches.flatMap((batch) =>
    (batch === 1 ? contexts : shortest).map((contextLength) => ({ contextLength, batch })),
  );
}

/** Loads a model where asked, see `openIn`. Cells of several sequences are measured on a session of their own, on the CPU. */
export async function openCells(
  model: BenchModel,
  environment: BenchEnvironment,
  kvCache?: OpenModelOptions["kvCache"],
): Promise<OpenCells> {
  const open = await openIn(model, environment, kvCache);
  const tokens = await benchTokens(Math.max(...model.contexts) + MAX_POSITIONS);
  let batched: ort.InferenceSession | undefined;
  return {
    async probe({ contextLength, batch }) {
      if (batch === 1) {
        return createModelProbe(open.runner, { tokens: tokens.slice(0, contextLength + MAX_POSITIONS), contextLength });
      }
      batched ??= await ort.InferenceSession.create(join(await modelFolder(model), "onnx", "model.onnx"), {
        intraOpNumThreads: environment.threads,
      });
      const { contextLimit } = open.runner.describe();
      const sizes = { contextLength, batch, contextLimit, maxPositions: MAX_POSITIONS };
      return createBatchProbe(batched, { Tensor: ort.Tensor, tokens, ...sizes });
    },
    async release() {
      await batched?.release();
      await open.release();
    },
  };
}
