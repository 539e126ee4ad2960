import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SAMPLE_TOKENIZERS, type SampleTokenizer } from "../../testing/tokenizers.ts";
import { loadTextCodec } from "./text-codec.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nearfree-codec-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function codecOf({ definition }: SampleTokenizer, config: object | string) {
  await writeFile(join(folder, "tokenizer.json"), JSON.stringify(definition));
  await writeFile(join(folder, "tokenizer_config.json"), typeof config === "string" ? config : JSON.stringify(config));
  return loadTextCodec(join(folder, "tokenizer.json"));
}

const CODE = "a ? b : !c , 's";

describe("clean-up of spaces", () => {
  const bpe = SAMPLE_TOKENIZERS["byte-level BPE"];
  const unigram = SAMPLE_TOKENIZERS["Unigram and Metaspace, with clean-up"];
  const words = ["▁the", "▁.", "▁", "'s"];

  test.each([
    ["nothing is said", {}],
    ["it is off", { clean_up_tokenization_spaces: false }],
    ["it is null", { clean_up_tokenization_spaces: null }],
    ["it is on, for BPE means nothing", { clean_up_tokenization_spaces: true }],
  ])("text of a BPE model is left as it is where %s", async (_when, config) => {
    const codec = await codecOf(bpe, config);
    expect(codec.decode(codec.encode(CODE))).toBe(CODE);
  });

  test("a BPE model is cleaned up where its configuration insists", async () => {
    const insists = { clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output: true };
    const codec = await codecOf(bpe, { clean_up_tokenization_spaces: true, ...insists });
    expect(codec.decode(codec.encode(CODE))).toBe("a? b :!c,'s");
  });

  test("other models are cleaned up where it is on, and only there", async () => {
    const ids = ({ encode }: { encode: (text: string) => number[] }) => words.flatMap((word) => encode(word));
    const on = await codecOf(unigram, { clean_up_tokenization_spaces: true });
    expect(on.decode(ids(on))).toBe("the.'s");
    const off = await codecOf(unigram, {});
    expect(off.decode(ids(off))).toBe("the . 's");
  });
});

test("a configuration with a byte order mark and numbers as Python writes them is read", async () => {
  const config = '\uFEFF{"model_max_length": Infinity, "clean_up_tokenization_spaces": false, "note": "NaN"}';
  const codec = await codecOf(SAMPLE_TOKENIZERS["byte-level BPE"], config);
  expect(codec.decode(codec.encode(CODE))).toBe(CODE);
});

test("what is no tokenizer is refused in one line", async () => {
  await expect(loadTextCodec(join(folder, "nowhere.json"))).rejects.toMatchObject({ code: "missing-file" });
  await writeFile(join(folder, "tokenizer.json"), "[]");
  await expect(loadTextCodec(join(folder, "tokenizer.json"))).rejects.toMatchObject({ code: "invalid-model" });
  await writeFile(join(folder, "tokenizer.json"), "{}");
  await expect(loadTextCodec(join(folder, "tokenizer.json"))).rejects.toThrow(/^.*a Hugging Face tokenizer\.json.*$/);
});
