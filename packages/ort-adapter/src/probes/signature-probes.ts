import type {
  CopyWorkload,
  ElementWorkload,
  KernelClass,
  KernelWorkload,
  Probe,
  SignatureProbes,
  WorkloadSize,
} from "@nearfree/core";
import type { InferenceSession, TensorConstructor } from "onnxruntime-common";
import type { Model } from "../onnx/model.ts";
import { encodeModelToBytes } from "../onnx/writer.ts";
import { type AttentionChainShape, buildAttentionChain } from "./attention-chain.ts";
import { createAttentionFeeds } from "./attention-feeds.ts";
import { buildCopyGraph } from "./copy-graph.ts";
import { buildElementChain, NODES_PER_BLOCK } from "./element-chain.ts";
import { buildExpertChain } from "./expert-chain.ts";
import { buildLinearChain } from "./linear-chain.ts";

/** Widest forward of a signature's curves. */
const MAX_POSITIONS = 64;
/**
 * Bytes of operands of the three sizes. Caches of servers reach far: half of what the largest ones hold still comes out of them at
 * 96 MB. Quantised weights are never that many, and at every byte of theirs more is computed.
 */
const TARGET_BYTES = { small: 2 << 20, inside: 20 << 20, beyond: 256 << 20 } as const;
const QUANTISED_BYTES = { small: 2 << 20, inside: 8 << 20, beyond: 96 << 20 } as const;
/** Widths that no common decoder has, multiples of 64 so that no kernel has columns left over. */
const WIDTHS = { small: 320, inside: 832, beyond: 832 } as const;
const MIN_CALLS = 4;
const EXPERT = { width: 448, inner: 704 } as const;
const ATTENTION: Readonly<Record<WorkloadSize, AttentionChainShape & { readonly context: number }>> = {
  small: { layers: 4, heads: 6, kvHeads: 2, headDim: 64, context: 24 },
  inside: { layers: 6, heads: 6, kvHeads: 2, headDim: 64, context: 720 },
  narrow: { layers: 6, heads: 12, kvHeads: 4, headDim: 32, context: 720 },
  beyond: { layers: 12, heads: 12, kvHeads: 4, headDim: 64, context: 1440 },
};
const ELEMENT_SHAPES = [
  { width: 320, blocks: 16 },
  { width: 1216, blocks: 16 },
] as const;
/** Outputs of the copy graph: one that is always fetched, and those that make the difference. */
const COPIES = 5;
const FLOAT_BYTES = 4;

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

/** The part of an `InferenceSession` that these probes need. */
export type SignatureSession = Pick<InferenceSession, "run" | "release" | "inputNames">;

/** Probes of every class that has a generator: small graphs in memory, no files. */
export function createSignatureProbes(options: SignatureProbeOptions): SignatureProbes {
  const { createSession, Tensor, threads } = options;
  const open = (model: Model) => createSession(encodeModelToBytes(model));
  const floats = (...dims: number[]) => new Tensor("float32", wave(dims.reduce((a, b) => a * b, 1)), dims);

  async function linear(kernel: KernelClass, size: WorkloadSize): Promise<KernelWorkload | undefined> {
    if (size === "narrow") return undefined;
    const width = WIDTHS[size];
    const bytes = width * width * bytesPerWeight(kernel);
    const layers = Math.max(MIN_CALLS, Math.round(targetBytes(kernel, size) / bytes));
    const model = buildLinearChain(kernel, { width, layers });
    if (model === undefined) return undefined;
    const session = await open(model);
    const probe = feedProbe(session, (n) => ({ x: floats(1, n, width) }));
    const flops = 2 * width * width;
    return workload(session, probe, { calls: layers, bytes, flops, channels: width });
  }

  /** Every thread has one expert at work, and all rows go to it: what an expert costs while the others read too. */
  async function experts(kernel: KernelClass, size: WorkloadSize): Promise<KernelWorkload | undefined> {
    const quantised = kernel.operator === "QMoE";
    // A quantised expert is unpacked at every call, at a cost beside which reading it counts little.
    if (size === "narrow" || size === "small" || (quantised && size === "beyond")) return undefined;
    const { width, inner } = EXPERT;
    const weights = 3 * width * inner;
    const bytes = weights * bytesPerWeight(kernel);
    const layers = Math.max(2, Math.round(targetBytes(kernel, size) / (bytes * threads)));
    const model = buildExpertChain(kernel, { width, inner, layers, experts: threads, active: threads });
    if (model === undefined) return undefined;
    const session = await open(model);
    const probe = feedProbe(session, (n) => ({
      x: floats(1, n, width),
      scores: new Tensor("float32", new Float32Array(n * threads), [n, threads]),
    }));
    const channels = Math.sqrt(weights);
    return workload(session, probe, {
      calls: layers,
      bytes,
      flops: 2 * weights,
      channels,
    });
  }

  async function attention(kernel: KernelClass, size: WorkloadSize): Promise<KernelWorkload | undefined> {
    const { context, ...shape } = ATTENTION[size];
    const model = buildAttentionChain(kernel, shape);
    if (model === undefined) return undefined;
    const session = await open(model);
    const inPlace = options.inPlaceCache && kernel.operator === "GroupQueryAttention";
    const feeds = createAttentionFeeds(session.inputNames, {
      ...shape,
      context,
      maxPositions: MAX_POSITIONS,
      inPlace,
      Tensor,
    });
    const probe: Probe = {
      maxPositions: MAX_POSITIONS,
      prepare: (n) => void feeds.inputs(n),
      run: async (n) => {
        await session.run(feeds.inputs(n), feeds.outputs);
      },
    };
    const { heads, kvHeads, headDim } = shape;
    return {
      probe,
      calls: shape.layers,
      // In place the whole cache comes back, its unused room included.
      bytes: (n) => 2 * kvHeads * headDim * FLOAT_BYTES * (context + (inPlace ? MAX_POSITIONS : n)),
      flops: (n) => 4 * heads * headDim * (context + n),
      channels: heads * headDim,
      headDim,
      release: () => session.release(),
    };
  }

  return {
    kernel(kernel, size) {
      if (kernel.weight === undefined) return attention(kernel, size);
      return /MoE$/.test(kernel.operator) ? experts(kernel, size) : linear(kernel, size);
    },
    elements: () =>
      Promise.all(
        ELEMENT_SHAPES.map(async ({ width, blocks }): Promise<ElementWorkload> => {
          const session = await open(buildElementChain({ width, blocks }));
          const probe = feedProbe(session, (n) => ({ x: floats(1, n, width) }));
          const nodes = blocks * NODES_PER_BLOCK;
          return {
            probe,
            nodes,
            elements: nodes * width,
            release: () => session.release(),
          };
        }),
      ),
    async copy(bytes): Promise<CopyWorkload> {
      const session = await open(buildCopyGraph(COPIES));
      const x = floats(1, bytes / FLOAT_BYTES);
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
      const width = WIDTHS.small;
      const layers = Math.max(1, Math.round(bytes / (width * width * FLOAT_BYTES)));
      const kernel = { operator: "MatMul", activation: "float32", weight: "float32" };
      const session = await open(buildLinearChain(kernel, { width, layers })!);
      const probe = feedProbe(session, (n) => ({ x: floats(1, n, width) }));
      return { probe, bytes: layers * width * width * FLOAT_BYTES, release: () => session.release() };
    },
  };
}

function targetBytes({ weight }: KernelClass, size: "small" | "inside" | "beyond"): number {
  return (weight === "float32" ? TARGET_BYTES : QUANTISED_BYTES)[size];
}

/** Stored bytes of a weight, scales of the blocks included. */
function bytesPerWeight({ weight, operator }: KernelClass): number {
  const scales = operator === "MatMulNBits" || operator === "QMoE" ? 1 / 8 : 0;
  return (weight === "int4" ? 0.5 : weight === "int8" ? 1 : FLOAT_BYTES) + scales;
}

function workload(
  session: SignatureSession,
  probe: Probe,
  { bytes, flops, ...figures }: { calls: number; bytes: number; flops: number; channels: number },
): KernelWorkload {
  return { ...figures, probe, bytes: () => bytes, flops: () => flops, release: () => session.release() };
}

/** A session whose inputs for n positions are made once. */
function feedProbe(session: SignatureSession, feedsOf: (n: number) => InferenceSession.FeedsType): Probe {
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

/** Values of both signs near 1. */
function wave(length: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => Math.sin(1.7 * i));
}
