import type { Probe } from "@nearfree/core/measure";
import { createBalanceProbes } from "@nearfree/ort-adapter";
import { readNodeDevice } from "@nearfree/ort-adapter/node";
import * as ort from "onnxruntime-node";
import { openCells } from "../calibration/open-cells.ts";
import { modelsNamed } from "../setup/bench-models.ts";

/** Something whose tiles are looked for. */
export interface Target {
  readonly name: string;
  open(threads: number): Promise<{ probe: Probe; release(): Promise<void> }>;
}

/** Fp32 layers alone, inside the last-level cache of a server and beyond it, and a whole decoder. */
export const TARGETS: readonly Target[] = [chain(20), chain(96), decoder("dense-70m")];

function chain(megabytes: number): Target {
  return {
    name: `matmul-chain-${megabytes}mb`,
    async open(threads) {
      const { bandwidth, release } = await createBalanceProbes({
        createSession: (bytes) => ort.InferenceSession.create(bytes, { intraOpNumThreads: threads }),
        Tensor: ort.Tensor,
        workingSetBytes: megabytes << 20,
      });
      return { probe: bandwidth.probe, release };
    },
  };
}

function decoder(name: string): Target {
  return {
    name,
    async open(threads) {
      const open = await openCells(modelsNamed(name)[0]!, { ep: "cpu", threads });
      return { probe: await open.probe({ contextLength: 128, batch: 1 }), release: () => open.release() };
    },
  };
}

/** First n of each tile of the fp32 matrix kernel that ONNX Runtime 1.30 has for this processor, each as the n that it may show at. */
export function expectedSteps(): readonly (readonly number[])[] {
  const { arch, flags } = readNodeDevice();
  // Passes of 12 rows from n = 12 on, 1 to 6 rows below: a second pass at 7, and where 12 rows are full.
  if (String(flags).includes("avx512f")) return [[7], [12, 13], [24, 25]];
  if (arch === "x64") return [[7], [13], [19], [25]];
  return [[5], [9], [13], [17]];
}
