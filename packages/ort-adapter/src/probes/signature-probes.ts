import type { Probe } from "@nearfree/core/measure";
import type { ElementWorkload, SignatureProbes } from "@nearfree/core/principle";
import type { TensorConstructor } from "onnxruntime-common";
import { encodeModelToBytes } from "../onnx/write/writer.ts";
import { activationTensor } from "./activation-tensor.ts";
import { attentionWorkload } from "./attention-workload.ts";
import { buildCopyGraph } from "./copy-graph.ts";
import { buildElementChain, NODES_PER_BLOCK } from "./element-chain.ts";
import { expertWorkload } from "./expert-workload.ts";
import { buildLinearChain } from "./linear-chain.ts";
import { LINEAR_WIDTHS, linearWorkload } from "./linear-workload.ts";
import { FLOAT_BYTES, feedProbe, type ProbeRuntime, type SignatureSession } from "./probe-session.ts";

const ELEMENT_SHAPES = [
  { width: 320, blocks: 16 },
  { width: 1216, blocks: 16 },
] as const;
/** Outputs of the copy graph: one that is always fetched, and those that make the difference. */
const COPIES = 5;
const STREAM_KERNEL = { operator: "MatMul", activation: "float32", weight: "float32" } as const;

export interface SignatureProbeOptions {
  /** Makes a session of the runtime and the execution provider to be measured, from a model in memory. */
  readonly createSession: (model: Uint8Array) => Promise<SignatureSession>;
  /** The `Tensor` class of that runtime. */
  readonly Tensor: TensorConstructor;
  /** Intra-op threads: experts are shared out among them. */
  readonly threads: number;
  /** Whether past and present of a fused attention may be the same memory, as on the CPU in Node. */
  readonly inPlaceCache: boolean;
}

/** Probes of every class that has a generator: small graphs in memory, no files. */
export function createSignatureProbes({ createSession, ...options }: SignatureProbeOptions): SignatureProbes {
  const runtime: ProbeRuntime = { ...options, open: (model) => createSession(encodeModelToBytes(model)) };
  const { open, Tensor } = runtime;
  const chainProbe = (session: SignatureSession, width: number) =>
    feedProbe(session, (n) => ({ x: activationTensor(Tensor, [1, n, width]) }));
  return {
    kernel(kernel, size) {
      if (kernel.weight === undefined) return attentionWorkload(runtime, kernel, size);
      return (/MoE$/.test(kernel.operator) ? expertWorkload : linearWorkload)(runtime, kernel, size);
    },
    elements: () =>
      Promise.all(
        ELEMENT_SHAPES.map(async ({ width, blocks }): Promise<ElementWorkload> => {
          const session = await open(buildElementChain({ width, blocks }));
          const nodes = blocks * NODES_PER_BLOCK;
          const release = () => session.release();
          return { probe: chainProbe(session, width), nodes, elements: nodes * width, release };
        }),
      ),
    async copy(bytes) {
      const session = await open(buildCopyGraph(COPIES));
      const x = activationTensor(Tensor, [1, bytes / FLOAT_BYTES]);
      const names = Array.from({ length: COPIES }, (_, i) => `y${i}`);
      const probe: Probe = {
        maxPositions: COPIES,
        prepare: () => {},
        run: async (n) => {
          await session.run({ x }, names.slice(0, n));
        },
      };
      return { probe, bytes, release: () => session.release() };
    },
    async stream(bytes) {
      const width = LINEAR_WIDTHS.small;
      const layerBytes = width * width * FLOAT_BYTES;
      const layers = Math.max(1, Math.round(bytes / layerBytes));
      const session = await open(buildLinearChain(STREAM_KERNEL, { width, layers })!);
      return { probe: chainProbe(session, width), bytes: layers * layerBytes, release: () => session.release() };
    },
  };
}
