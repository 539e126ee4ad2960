import { createModelProbe } from "@nearfree/calibrate";
import { openModel } from "@nearfree/calibrate/node";
import type { Cell, Probe } from "@nearfree/core";
import * as ort from "onnxruntime-node";
import { createBatchProbe } from "./batch-probe.ts";
import { benchTokens } from "./bench-text.ts";
import { type BenchModel, modelFolder } from "./models.ts";

/** Widest forward of a cell. */
const MAX_POSITIONS = 64;

/** A model in one environment, ready to be measured at any of its cells. */
export interface OpenCells {
  readonly model: BenchModel;
  readonly threads: number;
  readonly executionProvider: string;
  /** A probe of one cell; those made before must no longer be used. */
  probe(cell: Cell): Promise<Probe>;
  release(): Promise<void>;
}

/** Every cell of a model: its contexts for one sequence, and the shortest for more. */
export function cellsOf({ contexts, batches }: BenchModel): Cell[] {
  return batches.flatMap((batch) =>
    (batch === 1 ? contexts : contexts.slice(0, 1)).map((contextLength) => ({ contextLength, batch })),
  );
}

/** Loads a model on the CPU execution provider. */
export async function openCells(model: BenchModel, threads: number): Promise<OpenCells> {
  const folder = await modelFolder(model);
  const open = await openModel(folder, { threads });
  const tokens = await benchTokens(Math.max(...model.contexts) + MAX_POSITIONS);
  let batched: ort.InferenceSession | undefined;
  return {
    model,
    threads,
    executionProvider: "cpu",
    async probe({ contextLength, batch }) {
      if (batch === 1)
        return createModelProbe(open.runner, { tokens: tokens.slice(0, contextLength + MAX_POSITIONS), contextLength });
      batched ??= await ort.InferenceSession.create(open.folder.modelPath, open.sessionOptions);
      return createBatchProbe(batched, { tokens, contextLength, batch, maxPositions: MAX_POSITIONS });
    },
    async release() {
      await batched?.release();
      await open.release();
    },
  };
}
