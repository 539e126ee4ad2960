import type { Probe } from "@nearfree/core/measure";
import { type GraphSummary, keepingOf, type RewrittenForm, summaryIn } from "@nearfree/core/principle";
import type { TensorConstructor } from "onnxruntime-common";
import type { DecoderSpec } from "../build/decoder-spec.ts";
import { randomWeights } from "../build/random-weights.ts";
import { summarize } from "../onnx/graph/summarize.ts";
import { byteSource } from "../onnx/read/byte-source.ts";
import { encodeModelToBytes } from "../onnx/write/writer.ts";
import { attentionProbe, createAttentionFeeds } from "./attention-feeds.ts";
import { buildModule, type ModulePart } from "./module-graph.ts";
import type { SignatureSession } from "./probe-session.ts";
import { rewrittenGraph } from "./rewritten-graph.ts";

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
  /** The form that an attention is rewritten in. Default: none. */
  readonly cache?: RewrittenForm | undefined;
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
  { createSession, Tensor, layers, contextLength, inPlaceCache, cache }: ModuleProbeOptions,
): Promise<ModuleProbe> {
  const built = buildModule(spec, randomWeights(SEED), part, layers);
  const { summary } = summarize({ model: byteSource(encodeModelToBytes(built)) });
  // Attention as this project builds it is known to the rewrite.
  const model = part === "attention" && cache !== undefined ? rewrittenGraph(built, cache)! : built;
  const session = await createSession(encodeModelToBytes(model));
  const { heads, kvHeads, headDim, hiddenSize } = spec.shape;
  const operator = spec.attention === "gqa" ? "GroupQueryAttention" : "MatMul";
  const feeds = createAttentionFeeds(session.inputNames, {
    layers: part === "attention" ? layers : 0,
    heads,
    kvHeads,
    headDim,
    width: hiddenSize,
    context: contextLength,
    kept: keepingOf({ operator, cache }, inPlaceCache),
    Tensor,
  });
  return {
    summary: summaryIn(summary, cache ?? "original"),
    probe: attentionProbe(session, feeds),
    release: () => session.release(),
  };
}
