import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type AttentionKind,
  buildDecoder,
  GENERATED_SHAPES,
  type Quantisation,
  randomWeights,
} from "@nearfree/ort-adapter";
import { openModelFiles } from "@nearfree/ort-adapter/node";
import {
  type Attribute,
  type Graph,
  type Model,
  type ModelFiles,
  readModel,
  type Tensor,
} from "@nearfree/ort-adapter/onnx";
import { GQA_FORMS } from "./gqa-forms.ts";

/** A decoder to be mutated, in memory whole, with the files that belong beside it. */
export interface DecoderSource {
  readonly name: string;
  readonly model: Model;
  /** Path of the model's file inside its folder. */
  readonly file: string;
  readonly config: ReadonlyMap<string, Uint8Array>;
  /** Whether several texts or kernels may give other tokens by rounding alone. */
  readonly coarse: boolean;
}

const EXPORTS = fileURLToPath(new URL("../../../../packages/ort-adapter/fixtures/exports/", import.meta.url));
/** Kernels that round activations or logits to few bits. */
const COARSE = /fp16|q4f16|int4|bnb4|q8/;
const SHAPE = { ...GENERATED_SHAPES.tiny, contextLimit: 192 };

/** Decoders of every kind that the rewrite knows: generated ones, and small real exports. */
export async function decoderSources(): Promise<readonly DecoderSource[]> {
  const folders = (await readdir(EXPORTS)).sort();
  return [...generatedSources(), ...(await Promise.all(folders.map(readExport)))];
}

function generatedSources(): DecoderSource[] {
  const config = new Map([
    ["config.json", new TextEncoder().encode(JSON.stringify({ max_position_embeddings: SHAPE.contextLimit }))],
  ]);
  const source = (name: string, model: Model, coarse = false): DecoderSource => ({
    name,
    model: whole(model),
    file: "onnx/model.onnx",
    config,
    coarse,
  });
  const build = (attention: AttentionKind, quantisation: Quantisation = "fp32", positionIds = false) =>
    buildDecoder({ shape: SHAPE, attention, quantisation, positionIds }, randomWeights(11));
  return [
    ...Object.entries(GQA_FORMS).map(([name, form]) => source(`gqa ${name}`, form(build("gqa")))),
    source("plain operators", build("decomposed")),
    source("plain operators, positions fed", build("decomposed", "fp32", true)),
    source("gqa, dynamic int8", build("gqa", "int8-dynamic"), true),
    source("plain operators, dynamic int8", build("decomposed", "int8-dynamic"), true),
  ];
}

async function readExport(name: string): Promise<DecoderSource> {
  const folder = join(EXPORTS, name);
  const names = (await readdir(folder, { recursive: true })).map(String);
  const file = names.find((each) => each.endsWith(".onnx"))!;
  const files = openModelFiles(join(folder, file));
  try {
    const config = new Map<string, Uint8Array>();
    for (const each of names.filter((path) => /config\.json$/.test(path) && !path.includes("tokenizer"))) {
      config.set(each, await readFile(join(folder, each)));
    }
    const model = readModel(files);
    return {
      name,
      model: { ...model, graph: graphInMemory(model.graph, files) },
      file,
      config,
      coarse: COARSE.test(name),
    };
  } finally {
    files.close();
  }
}

function graphInMemory(graph: Graph, files: ModelFiles): Graph {
  const inMemory = ({ data, stored, ...tensor }: Tensor): Tensor => {
    if (data !== undefined || stored === undefined) return { ...tensor, data };
    const from = stored.location === undefined ? files.model : files.external!(stored.location);
    return { ...tensor, data: from.read(stored.offset, stored.length) };
  };
  const nodes = graph.nodes.map((node) => {
    const attributes = [...node.attributes].map(([name, attribute]): [string, Attribute] => {
      if (attribute.kind === "tensor") return [name, { kind: "tensor", value: inMemory(attribute.value) }];
      if (attribute.kind === "graph") return [name, { kind: "graph", value: graphInMemory(attribute.value, files) }];
      return [name, attribute];
    });
    return { ...node, attributes: new Map(attributes) };
  });
  return { ...graph, nodes, initializers: graph.initializers.map(inMemory) };
}

/** Weights are made once, not at every writing. */
function whole(model: Model): Model {
  const initializers = model.graph.initializers.map(({ make, ...tensor }) =>
    make ? { ...tensor, data: make() } : tensor,
  );
  return { ...model, graph: { ...model.graph, initializers } };
}

/** Writes the files of a source with `bytes` for its model into `folder`; returns the folder. */
export async function writeSource({ file, config }: DecoderSource, bytes: Uint8Array, folder: string): Promise<string> {
  for (const [name, content] of [...config, [file, bytes] as const]) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
  return folder;
}
