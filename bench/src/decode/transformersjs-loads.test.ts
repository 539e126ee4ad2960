import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { Tokenizer } from "@huggingface/tokenizers";
import { AutoModelForCausalLM, AutoTokenizer, env, Tensor } from "@huggingface/transformers";
import { BUNDLED_TOKENIZER, heldOutPrompts, tinyTs } from "@nearfree/examples";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

/**
 * Ids by the tokenizer that the model was trained with (examples/models/train/bpe.py): greedy merges by rank in each
 * word of GPT-2's split. Written down here once more, so that it can be held against the two JavaScript tokenizers.
 */
function trainingIds(json: { model: { vocab: Record<string, number>; merges: string[] } }, text: string): number[] {
  const ranks = new Map(json.model.merges.map((merge, rank) => [merge, rank]));
  const split = /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;
  return [...text.matchAll(split)].flatMap(([word]) => {
    const symbols = Array.from(Buffer.from(word, "utf8"), byteToChar);
    for (;;) {
      const pairs = symbols.slice(1).map((right, i) => ranks.get(`${symbols[i]} ${right}`) ?? Number.POSITIVE_INFINITY);
      const best = Math.min(...pairs);
      if (!Number.isFinite(best)) return symbols.map((symbol) => json.model.vocab[symbol]!);
      const at = pairs.indexOf(best);
      symbols.splice(at, 2, symbols[at]! + symbols[at + 1]!);
    }
  });
}

/** GPT-2's printable stand-in for a byte. */
function byteToChar(byte: number): string {
  const printable = (b: number) => (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
  if (printable(byte)) return String.fromCharCode(byte);
  const before = Array.from({ length: byte }, (_, b) => b).filter((b) => !printable(b)).length;
  return String.fromCharCode(256 + before);
}

let cache: string;
let folder: string;
beforeAll(async () => {
  cache = await mkdtemp(join(tmpdir(), "nearfree-transformersjs-"));
  folder = await tinyTs("fp32", cache);
  env.allowRemoteModels = false;
  env.localModelPath = dirname(folder);
});
afterAll(() => rm(cache, { recursive: true }));

describe("the exported model", () => {
  it("is tokenised alike in training, in @huggingface/tokenizers and in transformers.js, and round-trips", async () => {
    const json = JSON.parse(await readFile(BUNDLED_TOKENIZER, "utf8"));
    const config = JSON.parse(await readFile(join(folder, "tokenizer_config.json"), "utf8"));
    const light = new Tokenizer(json, config);
    const full = await AutoTokenizer.from_pretrained(basename(folder));
    const texts = (await heldOutPrompts()).slice(0, 12).map(({ prompt }) => prompt);
    for (const text of [...texts, "  const é = `a`;\n\n\treturn x!.y ?? '…' // it's\n", " ", "\n"]) {
      const ids = light.encode(text).ids;
      expect(ids).toEqual(trainingIds(json, text));
      expect(full.encode(text)).toEqual(ids);
      expect(light.decode(ids)).toBe(text);
    }
  });

  it("is loaded from a local folder and generates what its logits say", async () => {
    const name = basename(folder);
    const tokenizer = await AutoTokenizer.from_pretrained(name);
    const model = await AutoModelForCausalLM.from_pretrained(name, { dtype: "fp32", device: "cpu" });
    try {
      const [first] = await heldOutPrompts();
      const inputs = tokenizer(first!.prompt.slice(-400));
      const length = (inputs.input_ids as Tensor).dims[1]!;
      const settings = { max_new_tokens: 24, do_sample: false };
      const generated = (await model.generate({ ...inputs, ...settings } as never)) as Tensor;
      const ids = Array.from(generated.data as BigInt64Array, Number);
      expect(ids.length).toBeGreaterThan(length);
      // One forward over the whole text chooses the same tokens as the steps did.
      const whole = {
        input_ids: new Tensor("int64", BigInt64Array.from(ids, BigInt), [1, ids.length]),
        attention_mask: new Tensor("int64", new BigInt64Array(ids.length).fill(1n), [1, ids.length]),
      };
      const { logits } = (await model(whole)) as { logits: Tensor };
      const vocabulary = logits.dims[2]!;
      for (let row = length - 1; row < ids.length - 1; row++) {
        const one = (logits.data as Float32Array).subarray(row * vocabulary, (row + 1) * vocabulary);
        expect(one.indexOf(Math.max(...one))).toBe(ids[row + 1]);
      }
    } finally {
      await model.dispose();
    }
  });
});
