import { GraphBuilder, intAttribute, typeAttribute } from "../build/graph-builder.ts";
import { encodeModelToBytes } from "../onnx/write/writer.ts";

/** What a hook has to tell apart: how a decoder takes its tokens, its mask and its cache. */
export interface TellingDecoderOptions {
  /** `flat`: token ids [n]. */
  readonly ids?: "flat";
  /** [1, total] where absent; of the new tokens alone; with a row for each query; none. */
  readonly mask?: "new" | "square" | "none";
  /** Grows where absent; keys and values in one tensor; as long as it is given, whatever is run; its last `WINDOW` positions. */
  readonly cache?: "packed" | "fixed" | "clipped";
  /** Leaves its past out where `use_cache_branch` is false. */
  readonly branch?: boolean;
  readonly state?: boolean;
  /** Logits of the last position; `unsaid`: declared as if of every one. */
  readonly pruned?: "said" | "unsaid";
}

export const TELLING_WINDOW = 6;
const WIDTH = 4;
const END = 2 ** 31;

/** A graph whose inputs and outputs are those of a decoder, with a cache that holds its tokens' embeddings and logits that are them. */
export function tellingDecoder({ ids, mask, cache, branch, state, pruned }: TellingDecoderOptions = {}): Uint8Array {
  const g = new GraphBuilder();
  const packed = cache === "packed";
  const shape = (length: string) => [...(packed ? [2] : []), "batch_size", 1, length, WIDTH];
  const past = packed ? "past_0" : "past_key_values.0.key";
  const present = packed ? "present_0" : "present.0.key";
  const axis = packed ? 3 : 2;
  const tokens = g.input("input_ids", "int64", ids === "flat" ? ["n"] : ["batch_size", "n"]);
  if (mask !== "none") {
    const dims = { new: ["batch_size", "n"], square: ["batch_size", 1, "n", "total"], total: ["batch_size", "total"] };
    g.input("attention_mask", "int64", dims[mask ?? "total"]);
  }
  if (state) g.input("past_conv.0", "float32", ["batch_size", WIDTH, 3]);
  const table = g.constant(
    "embedding",
    "float32",
    [WIDTH, WIDTH],
    Float32Array.from({ length: WIDTH ** 2 }, (_, i) => i),
  );
  const rows = ids === "flat" ? g.add("/batch", "Unsqueeze", [tokens, g.int64s(0)]) : tokens;
  const embedded = g.add("/embed", "Gather", [table, rows]);
  const heads = g.add("/heads", "Unsqueeze", [embedded, g.int64s(1)]);
  const one = packed ? g.add("/part", "Unsqueeze", [heads, g.int64s(0)]) : heads;
  const fresh = packed ? g.add("/parts", "Concat", [one, one], { attributes: { axis: intAttribute(0) } }) : one;

  let kept = g.input(past, "float32", shape("past"));
  if (branch) {
    const input = g.input("use_cache_branch", "bool", [1]);
    const taken = g.add("/taken", "Cast", [input], { attributes: { to: typeAttribute("int64") } });
    const end = g.add("/end", "Mul", [taken, g.int64s(END)]);
    kept = g.add("/kept", "Slice", [kept, g.int64s(0), end, g.int64s(axis)]);
  }
  g.output(present, "float32", shape("total"));
  if (cache === "fixed") {
    g.add("/present", "Identity", [kept], { output: present });
  } else {
    const from = cache === "clipped" ? -TELLING_WINDOW : -END;
    const all = g.add("/all", "Concat", [kept, fresh], { attributes: { axis: intAttribute(axis) } });
    g.add("/present", "Slice", [all, g.int64s(from), g.int64s(END), g.int64s(axis)], { output: present });
  }
  g.output("logits", "float32", ["batch_size", pruned === "said" ? 1 : "n", WIDTH]);
  const first = pruned === undefined ? -END : -1;
  g.add("/logits", "Slice", [embedded, g.int64s(first), g.int64s(END), g.int64s(1)], { output: "logits" });
  return encodeModelToBytes(g.build("telling"));
}
