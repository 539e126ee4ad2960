import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { buildDecoder, GENERATED_SHAPES, randomWeights } from "@nearfree/ort-adapter";
import { writeModelFile } from "@nearfree/ort-adapter/node";
import type { Model } from "@nearfree/ort-adapter/onnx";

/** A decoder that the CLI's tests calibrate in well under a second. */
export const TEST_SHAPE = { ...GENERATED_SHAPES.tiny, vocabularySize: 300, contextLimit: 160 };

export function testDecoder(): Model {
  return buildDecoder({ shape: TEST_SHAPE, attention: "gqa", quantisation: "fp32" }, randomWeights(1));
}

/** A model folder in the layout of transformers.js, with a byte-level tokenizer. */
export async function writeModelFolder(folder: string, model: Model = testDecoder()): Promise<string> {
  await mkdir(join(folder, "onnx"), { recursive: true });
  await writeModelFile(join(folder, "onnx", "model.onnx"), model);
  const config = { max_position_embeddings: TEST_SHAPE.contextLimit, eos_token_id: 0 };
  await writeFile(join(folder, "config.json"), JSON.stringify(config));
  await writeFile(join(folder, "tokenizer.json"), JSON.stringify(byteTokenizer()));
  return folder;
}

/** The same decoder with logits for the last position only, as `prune_lm_head` exports it. */
export function prunedDecoder(): Model {
  const model = testDecoder();
  const constant = (name: string, value: bigint) => ({
    name,
    type: "int64" as const,
    dims: [1],
    data: new Uint8Array(BigInt64Array.of(value).buffer),
  });
  const at = model.graph.nodes.findIndex((node) => node.outputs.includes("logits"));
  const head = model.graph.nodes[at]!;
  const slice = {
    name: "/lm_head/Slice",
    opType: "Slice",
    domain: "",
    inputs: [head.inputs[0]!, "prune_start", "prune_end", "prune_axis"],
    outputs: ["last_hidden"],
    attributes: new Map(),
  };
  const nodes = [...model.graph.nodes];
  nodes.splice(at, 1, slice, { ...head, inputs: ["last_hidden", ...head.inputs.slice(1)] });
  const constants = [constant("prune_start", -1n), constant("prune_end", 1n << 31n), constant("prune_axis", 1n)];
  return { ...model, graph: { ...model.graph, nodes, initializers: [...model.graph.initializers, ...constants] } };
}

/** The same decoder without past and present: it starts over at every call. */
export function statelessModel(): Model {
  const { graph, ...model } = testDecoder();
  const table = graph.initializers.find(({ name }) => name === "model.embed_tokens.weight")!;
  const node = (opType: string, inputs: string[], outputs: string[]) => ({
    name: `/${opType}`,
    opType,
    domain: "",
    inputs,
    outputs,
    attributes: new Map(),
  });
  return {
    ...model,
    graph: {
      ...graph,
      nodes: [
        node("Gather", [table.name, "input_ids"], ["hidden"]),
        node("Transpose", [table.name], ["head"]),
        node("MatMul", ["hidden", "head"], ["logits"]),
      ],
      initializers: [table],
      inputs: graph.inputs.filter(({ name }) => name === "input_ids"),
      outputs: graph.outputs.filter(({ name }) => name === "logits"),
    },
  };
}

/** GPT-2's byte alphabet without merges: a token a byte. */
function byteTokenizer(): object {
  const bytes = Array.from({ length: 256 }, (_, byte) => byte);
  const isPrintable = (b: number) => (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
  let extra = 256;
  const alphabet = bytes.map((byte) => String.fromCharCode(isPrintable(byte) ? byte : extra++));
  const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true };
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: null,
    decoder: byteLevel,
    model: { type: "BPE", vocab: Object.fromEntries(alphabet.map((char, id) => [char, id + 1])), merges: [] },
  };
}
