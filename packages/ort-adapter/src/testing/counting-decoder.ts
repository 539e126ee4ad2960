import { GraphBuilder, intAttribute, typeAttribute } from "../build/graph-builder.ts";
import { encodeModelToBytes } from "../onnx/write/writer.ts";

/** Columns of the logits, and size of the one head. */
export const COUNTING_VOCABULARY = 16;

export interface CountingDecoderOptions {
  /** Element type of the KV cache and the logits. */
  readonly type?: "float32" | "float16";
  readonly tokenType?: "int64" | "int32";
  readonly positionIds?: boolean;
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
  const { type = "float32", tokenType = "int64" } = options;
  const g = new GraphBuilder();
  const cast = (name: string, value: string, to: "float32" | "float16" | "int64") =>
    g.add(name, "Cast", [value], { attributes: { to: typeAttribute(to) } });

  const ids = g.input("input_ids", tokenType, ["batch_size", "sequence_length"]);
  const mask = g.input("attention_mask", "int64", ["batch_size", "total_sequence_length"]);
  const shape = (length: string) => ["batch_size", 1, length, COUNTING_VOCABULARY];
  g.output("logits", type, ["batch_size", "sequence_length", COUNTING_VOCABULARY]);

  const table = g.constant("embedding", "float32", [COUNTING_VOCABULARY, COUNTING_VOCABULARY], embedding());
  const embedded = g.add("/embed", "Gather", [table, ids]);
  const fresh = cast("/fresh", g.add("/heads", "Unsqueeze", [embedded, g.int64s(1)]), type);

  let present = "";
  for (const part of ["key", "value"]) {
    const past = g.input(`past_key_values.0.${part}`, type, shape("past_sequence_length"));
    const all = g.add(`/${part}/Concat`, "Concat", [past, fresh], { attributes: { axis: intAttribute(2) } });
    present = g.output(`present.0.${part}`, type, shape("total_sequence_length"));
    keep(g, part, past, mask, all, options);
  }

  const history = cast("/history", present, "float32");
  const sums = g.add("/sums", "CumSum", [history, g.int64(2)]);
  const source = options.blind ? cast("/new", fresh, "float32") : sums;
  const count = g.add("/count/Gather", "Gather", [g.add("/count/Shape", "Shape", [ids]), g.int64s(1)]);
  const rows = g.add("/rows", "Slice", [source, g.add("/Neg", "Neg", [count]), g.int64s(END), g.int64s(2)]);
  let logits = g.add("/squeeze", "Squeeze", [rows, g.int64s(1)]);
  if (options.positionIds) {
    const positions = g.input("position_ids", "int64", ["batch_size", "sequence_length"]);
    const eighths = g.add("/eighths", "Mul", [cast("/positions", positions, "float32"), g.float32(1 / 8)]);
    logits = g.add("/positioned", "Add", [logits, g.add("/column", "Unsqueeze", [eighths, g.int64s(2)])]);
  }
  if (options.logitsToKeep) {
    const wanted = g.add("/wanted", "Unsqueeze", [g.input("num_logits_to_keep", "int64", []), g.int64s(0)]);
    logits = g.add("/kept", "Slice", [logits, g.add("/last", "Neg", [wanted]), g.int64s(END), g.int64s(1)]);
  }
  if (options.pruned) logits = g.add("/pruned", "Slice", [logits, g.int64s(-1), g.int64s(END), g.int64s(1)]);
  g.add("/logits", "Cast", [logits], { output: "logits", attributes: { to: typeAttribute(type) } });
  return encodeModelToBytes(g.build("counting"));
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
function embedding(): Float32Array {
  return Float32Array.from({ length: COUNTING_VOCABULARY ** 2 }, (_, i) => (((i * 29 + (i >> 4) * 7) % 17) - 8) / 8);
}
