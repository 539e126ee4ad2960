import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { resolveModelFolder } from "./model-folder.ts";

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "nearfree-folder-"));
});
afterEach(() => rmSync(root, { recursive: true }));

function write(files: Record<string, unknown>): void {
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(root, name), typeof content === "string" ? content : JSON.stringify(content));
  }
}

describe("what ends a text", () => {
  const genai = (eos_token_id: unknown) => ({ model: { eos_token_id, decoder: {} } });
  const vocab = { a: 3, "</s>": 5, "<|end|>": 6 };

  it("is what any of the files says, each id once", async () => {
    write({
      "model.onnx": "",
      "config.json": { eos_token_id: 2, text_config: { eos_token_id: [4, 2] } },
      "generation_config.json": { eos_token_id: [2, 9] },
      "genai_config.json": genai([9, 8]),
      "tokenizer_config.json": { eos_token: "<|end|>" },
      "tokenizer.json": { added_tokens: [{ id: 6, content: "<|end|>" }], model: { vocab } },
    });
    const expected = {
      eosTokenIds: [2, 9, 4, 8, 6],
      endOfText: [
        { file: "generation_config.json", ids: [2, 9] },
        { file: "config.json", ids: [2, 4] },
        { file: "genai_config.json", ids: [9, 8] },
        { file: "tokenizer_config.json", ids: [6], token: "<|end|>" },
      ],
    };
    expect(await resolveModelFolder(root)).toMatchObject(expected);
    expect(await resolveModelFolder(join(root, "model.onnx"))).toMatchObject(expected);
  });

  it("is nothing where files say null, or what is no id", async () => {
    write({
      "model.onnx": "",
      "config.json": { eos_token_id: null },
      "generation_config.json": { eos_token_id: [null, -1, "2", 1.5] },
      "genai_config.json": genai(null),
      "tokenizer_config.json": { eos_token: null },
    });
    expect(await resolveModelFolder(root)).toMatchObject({ eosTokenIds: [], endOfText: [] });
  });

  it.each([
    ["in the vocabulary", { eos_token: "</s>" }, { model: { vocab } }, [5]],
    [
      "in the vocabulary of a Unigram model",
      { eos_token: "b" },
      {
        model: {
          vocab: [
            ["a", 0],
            ["b", -1],
          ],
        },
      },
      [1],
    ],
    ["among the added tokens", { eos_token: { content: "<e>" } }, { added_tokens: [{ id: 12, content: "<e>" }] }, [12]],
    [
      "in tokenizer_config.json itself",
      { eos_token: "<e>", added_tokens_decoder: { "0": { content: "<u>" }, "31": { content: "<e>" } } },
      undefined,
      [31],
    ],
    ["nowhere", { eos_token: "<e>" }, { model: { vocab } }, []],
    ["in a tokenizer that is none", { eos_token: "<e>" }, "{", []],
    ["without a tokenizer", { eos_token: "toString" }, undefined, []],
  ])("finds a token by name %s", async (_where, config, definition, ids) => {
    write({ "model.onnx": "", "tokenizer_config.json": config, ...(definition && { "tokenizer.json": definition }) });
    const { eosTokenIds, endOfText } = await resolveModelFolder(root);
    expect(eosTokenIds).toEqual(ids);
    expect(endOfText).toEqual([{ file: "tokenizer_config.json", ids, token: expect.any(String) }]);
  });
});

describe("what greedy decoding does not do", () => {
  it("is named, with its value, where it differs from what changes nothing", async () => {
    write({
      "model.onnx": "",
      "generation_config.json": {
        do_sample: true,
        temperature: 0.6,
        top_k: 50,
        top_p: 1.0,
        repetition_penalty: 1.05,
        num_beams: null,
        suppress_tokens: [],
        bad_words_ids: [
          [1, 2, 3, 4, 5, 6, 7],
          [8, 9, 10, 11, 12, 13, 14, 15],
        ],
        max_length: 20,
        eos_token_id: 2,
      },
      "genai_config.json": { model: {}, search: { do_sample: true, temperature: 1, top_k: 20, min_length: 0 } },
    });
    expect((await resolveModelFolder(root)).notGreedy).toEqual([
      "do_sample true",
      "temperature 0.6",
      "repetition_penalty 1.05",
      "bad_words_ids [[1,2,3,4,5,6,7],[8,9,10,11,12,13,14,...",
      "top_k 20",
    ]);
  });
});

it("reads configuration as Python writes it", async () => {
  write({
    "model.onnx": "",
    "config.json": '\uFEFF{"n_positions": 128, "attn_pdrop": NaN, "rope": [-Infinity, Infinity], "eos_token_id": 3}',
  });
  expect(await resolveModelFolder(root)).toMatchObject({
    contextLimit: 128,
    eosTokenIds: [3],
    config: { attn_pdrop: Number.NaN, rope: [-Infinity, Infinity] },
  });
});
