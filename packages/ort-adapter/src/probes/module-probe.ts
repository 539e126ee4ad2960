import type { Probe } from "@nearfree/core/measure";
import type { GraphSummary } from "@nearfree/core/principle";
import type { TensorConstructor } from "onnxruntime-common";
import type { DecoderSpec } from "../build/decoder-spec.ts";
import { randomWeights } from "../build/random-weights.ts";
import { summarize } from "../onnx/graph/summarize.ts";
import { byteSource } from "../onnx/read/byte-source.ts";
import { encodeModelToBytes } from "../onnx/write/writer.ts";
import { attentionProbe, createAttentionFeeds } from "./attention-feeds.ts";
import { buildModule, type ModulePart } from "./module-graph.ts";
import type { SignatureSession } from "./probe-session.ts";

const SEED = 1;

export interface ModuleProbeOptions {
  /** Makes a session of the runtime and the execution provider to be measured, from a model in memory. */
  readonly createSession: (model: Uint8Array) => Promise<SignatureSession>;
  /** The `Tensor` class of that runtime. */
  readonly Tensor: TensorConstructor;
  /** Copies of the module, one behind the other, each with weights of its own. The head is always one. */
  readonly layers: number;
  /** Positions in the caches of an attention. */
  readonly contextLength: number;
  /** Whether past and present of a fused attention may be the same memory, as on the CPU in Node. */
  readonly inPlaceCache: boolean;
}

/** One part of a decoder, ready to be measured by what measures whole models, and what its graph tells. */
export interface ModuleProbe {
  readonly probe: Probe;
  readonly summary: GraphSummary;
  release(): Promise<void>;
}

/** Builds the part with random weights and loads it. @throws what the runtime says where it cannot run it. */
export async function createModuleProbe(
  spec: DecoderSpec,
  part: ModulePart,
  { createSession, Tensor, layers, contextLength, inPlaceCache }: ModuleProbeOptions,
): Promise<ModuleProbe> {
  const bytes = encodeModelToBytes(buildModule(spec, randomWeights(SEED), part, layers));
  const { summary } = summarize({ model: byteSource(bytes) });
  const session = await createSession(bytes);
  const { heads, kvHeads, headDim, hiddenSize } = spec.shape;
  const feeds = createAttentionFeeds(session.inputNames, {
    layers: part === "attention" ? layers : 0,
    heads,
    kvHeads,
    headDim,
    width: hiddenSize,
    context: contextLength,
    inPlace: inPlaceCache && spec.attention === "gqa",
    Tensor,
  });
  return {
    summary,
    probe: attentionProbe(session, feeds),
    release: () => session.release(),
  };
}
