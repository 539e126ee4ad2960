import { NearfreeError } from "@nearfree/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Declared,
  decoder,
  KV,
  LOGITS,
  MASK,
  past,
  present,
  declaredSession as session,
  TOKENS,
} from "../testing/declared-session.ts";
import type { SessionIo } from "./io-names.ts";
import { resolveIo } from "./io-names.ts";
import type { IoTemplates } from "./io-templates.ts";

const refusal = (io: SessionIo, templates?: Partial<IoTemplates>): NearfreeError => {
  try {
    resolveIo(io, templates);
  } catch (error) {
    if (error instanceof NearfreeError) return error;
    throw error;
  }
  throw new Error("was not refused");
};

describe("resolveIo", () => {
  it("reads the layout of transformers.js and optimum", () => {
    const io = resolveIo(
      session(
        [
          TOKENS,
          MASK,
          ["position_ids", "int64", ["b", "s"]],
          ["num_logits_to_keep", "int64", []],
          ...past("float32", KV, [1, 0]),
        ],
        [LOGITS, ...present("float32", [0, 1])],
      ),
    );
    const slot = (layer: number, part: string) => ({
      past: `past_key_values.${layer}.${part}`,
      present: `present.${layer}.${part}`,
      type: "float32",
      heads: 4,
      headDim: 32,
    });
    expect(io).toEqual({
      tokens: { name: "input_ids", type: "int64" },
      oneToken: false,
      attentionMask: { name: "attention_mask", type: "int64" },
      positionIds: { name: "position_ids", type: "int64", rank: 2 },
      logitsToKeep: { name: "num_logits_to_keep", type: "int64", scalar: true },
      cacheBranch: undefined,
      logits: { name: "logits", type: "float32" },
      kv: [slot(0, "key"), slot(0, "value"), slot(1, "key"), slot(1, "value")],
      vocabularySize: 2048,
    });
  });

  it("does without position_ids, mask and a declared vocabulary", () => {
    const io = resolveIo(session([TOKENS, ...past()], [["logits", "float32", ["b", "s", "v"]], ...present()]));
    expect(io).toMatchObject({ attentionMask: undefined, positionIds: undefined, logitsToKeep: undefined });
    expect(io.vocabularySize).toBeUndefined();
  });

  it("takes int32 tokens, float16 caches and layers in numerical order", () => {
    const layers = Array.from({ length: 12 }, (_, i) => 11 - i);
    const tokens: Declared = ["input_ids", "int32", ["b", "s"]];
    const io = resolveIo(
      session(
        [tokens, ...past("float16", KV, layers)],
        [["logits", "float16", ["b", "s", 8]], ...present("float16", layers)],
      ),
    );
    expect(io.tokens.type).toBe("int32");
    expect(io.logits.type).toBe("float16");
    expect(io.kv.map(({ past: name }) => name).filter((_, i) => i % 2 === 0)).toEqual(
      layers.toReversed().map((layer) => `past_key_values.${layer}.key`),
    );
  });

  it("takes names from templates as genai_config.json writes them", () => {
    const io = resolveIo(
      session(
        [
          ["tokens", "int64", ["b", "s"]],
          ["cache_k(3)", "float32", KV],
          ["cache_v(3)", "float32", KV],
        ],
        [
          ["scores", "float32", ["b", "s", 8]],
          ["new_k(3)", "float32", KV],
          ["new_v(3)", "float32", KV],
        ],
      ),
      {
        tokens: "tokens",
        logits: "scores",
        pastKey: "cache_k(%d)",
        pastValue: "cache_v(%d)",
        presentKey: "new_k(%d)",
        presentValue: "new_v(%d)",
      },
    );
    expect(io.kv.map((slot) => [slot.past, slot.present])).toEqual([
      ["cache_k(3)", "new_k(3)"],
      ["cache_v(3)", "new_v(3)"],
    ]);
  });
});

describe("resolveIo refuses, naming the offender,", () => {
  it.each<[string, SessionIo, string]>([
    ["no KV cache", session([TOKENS, MASK], [LOGITS]), "KV cache: expected inputs like past_key_values.0.key"],
    [
      "a pruned head",
      decoder([], ["logits", "float32", ["batch_size", 1, 2048]]),
      "output logits: expected logits of every position, received float32 [batch_size, 1, 2048]",
    ],
    ["logits without a sequence", decoder([], ["logits", "float32", ["batch_size", 2048]]), "output logits"],
    [
      "recurrent state",
      decoder([
        ["past_conv.0", "float32", ["b", 512, 3]],
        ["past_recurrent.1", "float32", ["b", 4, 8]],
      ]),
      "state past_conv.0, past_recurrent.1",
    ],
    ["state space models", decoder([["past_ssm.0", "float32", ["b", 512, 16]]]), "state past_ssm.0"],
    [
      "a quantised cache",
      session([TOKENS, ...past("int8")], [LOGITS, ...present("int8")]),
      "input past_key_values.0.key: expected a float32 or float16",
    ],
    [
      "a cache of fixed length",
      session([TOKENS, ...past("float32", ["b", 4, 1024, 32])], [LOGITS, ...present()]),
      "input past_key_values.0.key: expected a KV cache whose length is free, received float32 [b, 4, 1024, 32]",
    ],
    [
      "a cache with the sequence elsewhere",
      session([TOKENS, ...past("float32", ["b", "past", 4, 32])], [LOGITS, ...present()]),
      "input past_key_values.0.key",
    ],
    ["a missing value", session([TOKENS, past()[0]!], [LOGITS, ...present()]), "input past_key_values.0.value"],
    ["a missing present", session([TOKENS, ...past()], [LOGITS]), "output present.0.key"],
    [
      "a present of another type",
      session([TOKENS, ...past()], [LOGITS, ...present("float16")]),
      "output present.0.key",
    ],
    [
      "inputs of unknown meaning",
      decoder([
        ["pixel_values", "float32", ["b", 3, 224, 224]],
        ["use_cache_branch", "int64", [1]],
      ]),
      "inputs pixel_values, use_cache_branch",
    ],
    ["no tokens", session([MASK, ...past()], [LOGITS, ...present()]), "input input_ids"],
    [
      "embeddings in place of tokens",
      session([["inputs_embeds", "float32", ["b", "s", 64]], ...past()], [LOGITS, ...present()]),
      "input inputs_embeds: expected token ids (input_ids), received embeddings, float32 [b, s, 64]; export the decoder with its embedding",
    ],
    [
      "a graph that searches by itself",
      session(
        [TOKENS, ["max_length", "int32", [1]], ["num_beams", "int32", [1]]],
        [["sequences", "int32", ["b", "n", "m"]]],
      ),
      "output logits: expected logits of every position, received output sequences: a graph that searches by itself (BeamSearch",
    ],
    [
      "a mask with a row for every query",
      session([TOKENS, ["attention_mask", "float32", ["b", 1, "s", "t"]], ...past()], [LOGITS, ...present()]),
      "input attention_mask: expected int64, int32, float32 or bool [batch, total], received float32 [b, 1, s, t]; export the model with a mask",
    ],
    [
      "a mask of fixed length",
      session([TOKENS, ["attention_mask", "int64", [1, 2048]], ...past()], [LOGITS, ...present()]),
      "input attention_mask: expected a free total length",
    ],
    [
      "tokens without a batch",
      session([["input_ids", "int64", ["s"]], ...past()], [LOGITS, ...present()]),
      "input input_ids: expected [batch, sequence], received int64 [s]",
    ],
    [
      "heads folded into the batch",
      session([TOKENS, ...past("float32", ["batch * heads", "past", 64])], [LOGITS, ...present()]),
      "input past_key_values.0.key: expected [batch, heads, sequence, head size], or [2, batch",
    ],
    [
      "tokens of another type",
      session([["input_ids", "float32", ["b", "s"]], ...past()], [LOGITS, ...present()]),
      "input input_ids",
    ],
    [
      "a fixed number of tokens",
      session([["input_ids", "int64", ["b", 8]], ...past()], [LOGITS, ...present()]),
      "input input_ids: expected a free sequence dimension",
    ],
    [
      "a fixed batch",
      session([["input_ids", "int64", [2, "s"]], ...past()], [LOGITS, ...present()]),
      "input input_ids: expected a batch of 1",
    ],
    [
      "no logits",
      session([TOKENS, ...past()], [["last_hidden_state", "float32", ["b", "s", 64]], ...present()]),
      "output logits",
    ],
  ])("%s", (_name, io, message) => {
    const error = refusal(io);
    expect(error.code).toBe("unsupported-model");
    expect(error.message).toContain(`[ort-adapter] ${message}`);
  });

  it("and never with another error, whatever the names, types and shapes", () => {
    const name = fc.oneof(
      fc.constantFrom("input_ids", "attention_mask", "position_ids", "num_logits_to_keep", "logits", "past_conv.0"),
      fc
        .tuple(fc.constantFrom("past_key_values", "present"), fc.nat(2), fc.constantFrom("key", "value"))
        .map((parts) => parts.join(".")),
      fc.string(),
    );
    const type = fc.constantFrom("int64", "int32", "float32", "float16", "bool", "string");
    const shape = fc.array(fc.oneof(fc.nat(3), fc.constantFrom("b", "s", "")), { maxLength: 5 });
    const values = fc.array(fc.tuple(name, type, shape), { maxLength: 12 });
    fc.assert(
      fc.property(values, values, (inputs, outputs) => {
        try {
          const io = resolveIo(session(inputs, outputs));
          expect(io.kv.length).toBeGreaterThan(0);
        } catch (error) {
          expect(error).toBeInstanceOf(NearfreeError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
