import { GraphBuilder, intAttribute, typeAttribute } from "../build/graph-builder.ts";
import type { Attribute } from "../onnx/model.ts";
import { encodeModelToBytes } from "../onnx/write/writer.ts";

/** Columns of the logits, and size of the one head. */
export const COUNTING_VOCABULARY = 16;

export interface CountingDecoderOptions {
  /** Element type of the KV cache and the logits. */
  readonly type?: "float32" | "float16";
  readonly tokenType?: "int64" | "int32";
  readonly positionIds?: boolean;
  /** Rank of `position_ids`; 3: [3, batch, sequence], of which the last row counts. Default 2. */
  readonly positionRank?: 1 | 2 | 3;
  readonly maskType?: "int64" | "int32" | "float32" | "bool";
  /** Keys and values of the layer in one tensor [2, batch, heads, length, head size]. */
  readonly packed?: boolean;
  /** Declares `use_cache_branch`; with `dummy` an empty past needs its other branch. */
  readonly cacheBranch?: "plain" | "dummy";
  /** Declares one token a run. */
  readonly oneToken?: boolean;
  /** Ids that exist, at most the 16 columns of a row. */
  readonly vocabularySize?: number;
  /** Declares `num_logits_to_keep`. */
  readonly logitsToKeep?: boolean;
  /** Gives logits of the last position only; its metadata does not tell. */
  readonly pruned?: boolean;
  /** Keeps no more than this many positions of the cache. */
  readonly window?: number;
  /** Lets its present have the size of a roomy past, but writes nothing there: it only seems to work on shared memory. */
  readonly clipped?: boolean;
  /** Computes logits from the tokens alone, so that they do not show what the cache holds. */
  readonly blind?: boolean;
}

/**
 * An ONNX decoder whose logits are the sum of all embeddings so far (plus position / 8, with `positionIds`), in eighths: every sum is
 * exact in float16 too, so each schedule must give the same bits. It exists to have, by option, the faults that a runner must see.
 */
export function countingDecoder(options: CountingDecoderOptions = {}): Uint8Array {
  const { type = "float32", tokenType = "int64", oneToken, vocabularySize = COUNTING_VOCABULARY } = options;
  const g = new GraphBuilder();
  const sequence = oneToken ? 1 : "sequence_length";
  const ids = g.input("input_ids", tokenType, ["batch_size", sequence]);
  const mask = g.input("attention_mask", options.maskType ?? "int64", ["batch_size", "total_sequence_length"]);
  g.output("logits", type, ["batch_size", sequence, COUNTING_VOCABULARY]);

  const table = g.constant("embedding", "float32", [vocabularySize, COUNTING_VOCABULARY], embedding(vocabularySize));
  const embedded = g.add("/embed", "Gather", [table, ids]);
  const fresh = addCast(g, "/fresh", g.add("/heads", "Unsqueeze", [embedded, g.int64s(1)]), type);
  const present = options.packed ? packedCache(g, fresh, type) : separateCache(g, fresh, mask, options);

  let history = addCast(g, "/history", present, "float32");
  if (options.maskType) {
    const visible = g.add("/visible", "Unsqueeze", [addCast(g, "/ones", mask, "float32"), g.int64s(1, 3)]);
    history = g.add("/seen", "Mul", [history, visible]);
  }
  const sums = g.add("/sums", "CumSum", [history, g.int64(2)]);
  const source = options.blind ? addCast(g, "/new", fresh, "float32") : sums;
  const count = g.add("/count/Gather", "Gather", [g.add("/count/Shape", "Shape", [ids]), g.int64s(1)]);
  const rows = g.add("/rows", "Slice", [source, g.add("/Neg", "Neg", [count]), g.int64s(END), g.int64s(2)]);
  let logits = g.add("/squeeze", "Squeeze", [rows, g.int64s(1)]);
  if (options.positionIds) logits = addPositions(g, logits, options.positionRank ?? 2);
  if (options.cacheBranch) logits = addBranch(g, logits, options.cacheBranch);
  if (options.logitsToKeep) {
    const wanted = g.add("/wanted", "Unsqueeze", [g.input("num_logits_to_keep", "int64", []), g.int64s(0)]);
    logits = g.add("/kept", "Slice", [logits, g.add("/last", "Neg", [wanted]), g.int64s(END), g.int64s(1)]);
  }
  if (options.pruned) logits = g.add("/pruned", "Slice", [logits, g.int64s(-1), g.int64s(END), g.int64s(1)]);
  g.add("/logits", "Cast", [logits], { output: "logits", attributes: { to: typeAttribute(type) } });
  return encodeModelToBytes(g.build("counting"));
}

function addCast(g: GraphBuilder, name: string, value: string, to: "float32" | "float16" | "int64"): string {
  return g.add(name, "Cast", [value], { attributes: { to: typeAttribute(to) } });
}

/** Key and value apart; the value's present is returned. */
function separateCache(g: GraphBuilder, fresh: string, mask: string, options: CountingDecoderOptions): string {
  const { type = "float32" } = options;
  const shape = (length: string) => ["batch_size", 1, length, COUNTING_VOCABULARY];
  let present = "";
  for (const part of ["key", "value"]) {
    const past = g.input(`past_key_values.0.${part}`, type, shape("past_sequence_length"));
    const all = g.add(`/${part}/Concat`, "Concat", [past, fresh], { attributes: { axis: intAttribute(2) } });
    present = g.output(`present.0.${part}`, type, shape("total_sequence_length"));
    keep(g, part, past, mask, all, options);
  }
  return present;
}

/** Both in one tensor; its second half is returned. */
function packedCache(g: GraphBuilder, fresh: string, type: "float32" | "float16"): string {
  const shape = (length: string) => [2, "batch_size", 1, length, COUNTING_VOCABULARY];
  const past = g.input("past_0", type, shape("past_sequence_length"));
  const one = g.add("/packed/Unsqueeze", "Unsqueeze", [fresh, g.int64s(0)]);
  const two = g.add("/packed/Concat", "Concat", [one, one], { attributes: { axis: intAttribute(0) } });
  const output = g.output("present_0", type, shape("total_sequence_length"));
  g.add("/packed/all/Concat", "Concat", [past, two], { output, attributes: { axis: intAttribute(3) } });
  return g.add("/packed/value", "Gather", [output, g.int64(1)], { attributes: { axis: intAttribute(0) } });
}

/** Adds position / 8 to every row. */
function addPositions(g: GraphBuilder, logits: string, rank: 1 | 2 | 3): string {
  const shape = [3, "batch_size", "sequence_length"].slice(3 - rank);
  let positions = g.input("position_ids", "int64", shape);
  if (rank === 3)
    positions = g.add("/third", "Gather", [positions, g.int64(2)], { attributes: { axis: intAttribute(0) } });
  const eighths = g.add("/eighths", "Mul", [addCast(g, "/positions", positions, "float32"), g.float32(1 / 8)]);
  return g.add("/positioned", "Add", [logits, g.add("/column", "Unsqueeze", [eighths, g.int64s(-1)])]);
}

/** `plain`: the branch without a past gives no logits at all. `dummy`: the branch with one cannot be without. */
function addBranch(g: GraphBuilder, logits: string, kind: "plain" | "dummy"): string {
  const branch = g.input("use_cache_branch", "bool", [1]);
  if (kind === "plain") return g.add("/branch/Mul", "Mul", [logits, addCast(g, "/branch", branch, "float32")]);
  const graph = (name: string, opType: string, inputs: string[], attributes = {}): Attribute => ({
    kind: "graph",
    value: {
      name,
      nodes: [{ name, opType, domain: "", inputs, outputs: [name], attributes: new Map(Object.entries(attributes)) }],
      initializers: [],
      inputs: [],
      outputs: [{ name, type: "float32", shape: undefined }],
      valueInfos: [],
    },
  });
  const first = graph("with_past", "Gather", ["past_key_values.0.key", g.int64(0)], { axis: intAttribute(2) });
  const none = graph("without_past", "Identity", [g.float32(0)]);
  const attributes = { then_branch: first, else_branch: none };
  const touched = g.add("/branch/If", "If", [g.add("/branch/Squeeze", "Squeeze", [branch])], { attributes });
  const nothing = g.add("/branch/Mul", "Mul", [g.add("/branch/Sum", "ReduceSum", [touched]), g.float32(0)]);
  return g.add("/branch/Add", "Add", [logits, g.add("/branch/Flat", "Reshape", [nothing, g.int64s(1)])]);
}

const END = 2 ** 31;

/** Names the part of `all` that the decoder gives as its present. */
function keep(
  g: GraphBuilder,
  part: string,
  past: string,
  mask: string,
  all: string,
  { window, clipped }: CountingDecoderOptions,
): void {
  const output = `present.0.${part}`;
  const name = `/${part}/keep`;
  if (clipped) {
    const sizeOf = (value: string, axis: number) =>
      g.add(`${name}/${axis}/Gather`, "Gather", [g.add(`${name}/${axis}/Shape`, "Shape", [value]), g.int64s(axis)]);
    const end = g.add(`${name}/Max`, "Max", [sizeOf(past, 2), sizeOf(mask, 1)]);
    g.add(name, "Slice", [all, g.int64s(0), end, g.int64s(2)], { output });
  } else if (window) {
    g.add(name, "Slice", [all, g.int64s(-window), g.int64s(END), g.int64s(2)], { output });
  } else {
    g.add(name, "Identity", [all], { output });
  }
}

/** Distinct rows of eighths in [-1, 1]. */
function embedding(rows: number): Float32Array {
  return Float32Array.from({ length: rows * COUNTING_VOCABULARY }, (_, i) => (((i * 29 + (i >> 4) * 7) % 17) - 8) / 8);
}
