import { NearfreeError } from "@nearfree/core";
import { describe, expect, it } from "vitest";
import { decoder, LOGITS, past, present, declaredSession as session, TOKENS } from "../testing/declared-session.ts";
import type { SessionIo } from "./io-names.ts";
import { resolveIo } from "./io-names.ts";

describe("resolveIo takes", () => {
  it.each<[string, SessionIo, object]>([
    [
      "negative and empty dimensions as free",
      session(
        [["input_ids", "int64", [-1, ""]], ["attention_mask", "int64", ["", -1]], ...past("float32", [-1, 4, "", 32])],
        [["logits", "float32", [-1, "", 2048]], ...present()],
      ),
      { vocabularySize: 2048, oneToken: false },
    ],
    ["positions of rank 1", decoder([["position_ids", "int64", ["s"]]]), { positionIds: { rank: 1 } }],
    ["three rows of positions", decoder([["position_ids", "int64", [3, "b", "s"]]]), { positionIds: { rank: 3 } }],
    [
      "a mask of bools",
      session([TOKENS, ["attention_mask", "bool", ["b", "t"]], ...past()], [LOGITS, ...present()]),
      { attentionMask: { type: "bool" } },
    ],
    [
      "one token a run, whose logits are no pruned head",
      session([["input_ids", "int64", ["b", 1]], ...past()], [["logits", "float32", ["b", 1, 2048]], ...present()]),
      { oneToken: true },
    ],
    ["the branch of a merged export", decoder([["use_cache_branch", "bool", [1]]]), { cacheBranch: { onEmpty: true } }],
    [
      "heads and head sizes that are symbols",
      session([TOKENS, ...past("float32", ["b", "heads", "past", "kv_cache_dim"])], [LOGITS, ...present()]),
      { kv: [expect.objectContaining({ heads: undefined, headDim: undefined }), expect.anything()] },
    ],
    [
      "keys and values in one tensor",
      session(
        [TOKENS, ["past_1", "float32", [2, "b", 4, "p", 32]], ["past_0", "float32", [2, "b", 4, "p", 32]]],
        [LOGITS, ["present_0", "float32", []], ["present_1", "float32", []]],
      ),
      {
        kv: [0, 1].map((layer) => ({
          past: `past_${layer}`,
          present: `present_${layer}`,
          type: "float32",
          heads: 8,
          headDim: 32,
          packed: true,
        })),
      },
    ],
  ])("%s", (_name, io, expected) => {
    expect(resolveIo(io)).toMatchObject(expected);
  });

  it("no session that does not describe its inputs: ONNX Runtime before 1.22", () => {
    const { inputNames, outputNames } = decoder();
    const old = { inputNames, outputNames } as SessionIo;
    expect(() => resolveIo(old)).toThrow(NearfreeError);
    expect(() => resolveIo(old)).toThrow(
      "[ort-adapter] session: expected inputMetadata and outputMetadata, received neither; update ONNX Runtime to 1.22 or later",
    );
  });
});
