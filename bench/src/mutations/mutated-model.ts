import { createRandom, type Random } from "@nearfree/calibrate";
import { buildDecoder, type Quantisation, randomWeights } from "@nearfree/ort-adapter";
import {
  type Attribute,
  encodeModelToBytes,
  type Graph,
  type Model,
  type Node,
  type Tensor,
} from "@nearfree/ort-adapter/onnx";
import { insertAfter, insertInto, joined, type Section, varint, wireSections } from "./wire-sections.ts";

export type Mutation = "bits" | "cut" | "lengths" | "varints" | "duplicates" | "nested" | "functions" | "fan-in";

export interface MutatedModel {
  readonly mutation: Mutation;
  readonly bytes: Uint8Array;
}

/** How many files of a hundred get each mutation. */
const SHARES: readonly (readonly [Mutation, number])[] = [
  ["bits", 32],
  ["cut", 12],
  ["lengths", 24],
  ["varints", 12],
  ["duplicates", 14],
  ["nested", 3],
  ["functions", 2],
  ["fan-in", 1],
];
/** Bytes that duplicates add at most; and, once in a while, to a file that is one flood of them. */
const DUPLICATE_BYTES = 16 * 1024;
const FLOOD_BYTES = 1024 * 1024;
const FLOOD_SHARE = 0.03;

interface Original {
  readonly bytes: Uint8Array;
  readonly sections: readonly Section[];
  /** The structure comes before the weights: the part that mutations can hurt. */
  readonly structureBytes: number;
}

/** A source of damaged models: small decoders of every kind, changed by one mutation each. Equal seeds give equal files. */
export function createMutator(): (seed: number) => MutatedModel {
  const originals = (["fp32", "int4", "int8-dynamic"] as const).flatMap((quantisation) => [
    original(quantisation, "gqa"),
    original(quantisation, "decomposed"),
  ]);
  return (seed) => {
    const random = createRandom(seed);
    const mutation = pickMutation(random() * 100);
    const from = originals[Math.floor(random() * originals.length)]!;
    return { mutation, bytes: MUTATIONS[mutation](from, random) };
  };
}

function original(quantisation: Quantisation, attention: "gqa" | "decomposed"): Original {
  const sizes = {
    vocabularySize: 40,
    hiddenSize: 32,
    intermediateSize: 32,
    layers: 2,
    heads: 2,
    kvHeads: 1,
    headDim: 32,
  };
  const shape = { ...sizes, contextLimit: 8, ropeTheta: 10_000, rmsNormEpsilon: 1e-5, tiedHead: true };
  const bytes = encodeModelToBytes(buildDecoder({ shape, attention, quantisation }, randomWeights(1)));
  const sections = wireSections(bytes);
  // Tensors of more than 512 bytes are weights; the writer puts them last.
  const structureBytes = Math.min(
    ...sections.filter(({ path, start, end }) => path.length === 2 && end - start > 512).map(({ start }) => start),
  );
  return { bytes, sections, structureBytes };
}

function pickMutation(at: number): Mutation {
  let sum = 0;
  for (const [mutation, share] of SHARES) {
    sum += share;
    if (at < sum) return mutation;
  }
  return "bits";
}

const below = (random: Random, limit: number) => Math.floor(random() * limit);
const pick = <T>(random: Random, list: readonly T[]): T => list[below(random, list.length)]!;

const MUTATIONS: Readonly<Record<Mutation, (from: Original, random: Random) => Uint8Array>> = {
  bits({ bytes, structureBytes }, random) {
    const out = bytes.slice();
    const reach = random() < 0.9 ? structureBytes : bytes.length;
    for (let i = 1 + below(random, 12); i > 0; i--) out[below(random, reach)]! ^= 1 << below(random, 8);
    return out;
  },
  cut({ bytes, structureBytes }, random) {
    return bytes.slice(0, below(random, random() < 0.7 ? structureBytes : bytes.length));
  },
  lengths({ bytes, sections }, random) {
    let out = bytes;
    for (let i = 1 + below(random, 3); i > 0; i--) {
      const { lengthAt, start, end } = pick(random, sections);
      const length = end - start;
      const wrong = pick(random, [0, length + 1, Math.max(0, length - 1), 2 * length, below(random, 2 ** 32), 2 ** 40]);
      // Other sections stand where they stood only while the length takes as many bytes.
      out = joined(out.subarray(0, lengthAt), varint(wrong), out.subarray(start));
    }
    return out;
  },
  varints({ bytes, sections, structureBytes }, random) {
    const run = new Uint8Array(1 + below(random, 40)).fill(pick(random, [0xff, 0x80]));
    if (random() < 0.5) {
      const at = below(random, structureBytes);
      return joined(bytes.subarray(0, at), run, bytes.subarray(at));
    }
    // A packed list of one-byte integers: eight bytes in memory for each in the file.
    const attribute = pick(
      random,
      sections.filter(({ path }) => path.length === 2),
    );
    const count = below(random, random() < FLOOD_SHARE ? FLOOD_BYTES : DUPLICATE_BYTES);
    const list = joined(Uint8Array.of((8 << 3) | 2), varint(count), new Uint8Array(count));
    return insertInto(bytes, [...attribute.path, attribute], attribute.end, list);
  },
  duplicates({ bytes, sections }, random) {
    const section = pick(random, sections);
    const copy = bytes.subarray(section.tagAt, section.end);
    const most = Math.ceil((random() < FLOOD_SHARE ? FLOOD_BYTES : DUPLICATE_BYTES) / copy.length);
    const copies = new Uint8Array((1 + below(random, most)) * copy.length);
    for (let at = 0; at < copies.length; at += copy.length) copies.set(copy, at);
    return insertAfter(bytes, section, copies);
  },
  nested(_from, random) {
    const width = 1 + below(random, 3);
    const depth = 1 + below(random, width === 1 ? 64 : Math.floor(8 / width));
    return encodeModelToBytes(modelOf(nestedGraph(depth, width)));
  },
  functions(_from, random) {
    const depth = 1 + below(random, 40);
    const width = 1 + below(random, 6);
    const name = "x".repeat(1 + below(random, random() < 0.2 ? 20_000 : 10));
    const functions = Array.from({ length: depth }, (_, level) => ({
      name: `F${level}`,
      domain: "local",
      inputs: ["a"],
      outputs: [name],
      nodes: Array.from({ length: width }, (_, i): Node => node(`F${level + 1}`, "local", ["a"], [`${name}${i}`])),
    }));
    return encodeModelToBytes({ ...modelOf({ ...EMPTY, nodes: [node("F0", "local", ["x"], ["y"])] }), functions });
  },
  "fan-in"(_from, random) {
    const inputs = new Array<string>(1 + below(random, random() < 0.3 ? MOST_INPUTS : 1_000)).fill("c");
    const elements = 1 + below(random, 128);
    const constant: Tensor = { name: "c", type: "int64", dims: [elements], data: new Uint8Array(8 * elements) };
    const nodes = [node("Concat", "", ["x", ...inputs], ["y"])];
    return encodeModelToBytes(modelOf({ ...EMPTY, nodes, initializers: [constant] }));
  },
};

/** Inputs of the widest node: three bytes of the file each. */
const MOST_INPUTS = 300_000;

const EMPTY: Graph = { name: "", nodes: [], initializers: [], inputs: [], outputs: [], valueInfos: [] };

function node(opType: string, domain: string, inputs: readonly string[], outputs: readonly string[]): Node {
  return { name: "", opType, domain, inputs, outputs, attributes: new Map() };
}

function modelOf(graph: Graph): Model {
  return { irVersion: 10, producerName: "", opsets: [{ domain: "", version: 21 }], graph, functions: [] };
}

function nestedGraph(depth: number, width: number): Graph {
  if (depth === 0) return { ...EMPTY, nodes: [node("Relu", "", ["x"], ["y"])], outputs: [{ name: "y" }] };
  const value = nestedGraph(depth - 1, width);
  const attributes = new Map(
    Array.from({ length: width }, (_, i): [string, Attribute] => [`b${i}`, { kind: "graph", value }]),
  );
  return { ...EMPTY, nodes: [{ ...node("If", "", ["c"], ["y"]), attributes }], outputs: [{ name: "y" }] };
}
