import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SAMPLE_TOKENIZERS, type SampleTokenizer } from "../../testing/tokenizers.ts";
import { loadTextCodec, type TextCodec } from "./text-codec.ts";
import { createTextStream } from "./text-stream.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nearfree-text-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function codecOf({ definition, config }: SampleTokenizer): Promise<TextCodec> {
  await writeFile(join(folder, "tokenizer.json"), JSON.stringify(definition));
  await writeFile(join(folder, "tokenizer_config.json"), JSON.stringify(config));
  return loadTextCodec(join(folder, "tokenizer.json"));
}

function piecesOf(codec: TextCodec, tokens: readonly number[]): string[] {
  const stream = createTextStream(codec);
  return [...tokens.map((token) => stream.push(token)), stream.end()];
}

/** Ids of the vocabulary, of special tokens, and of none. */
function idsOf({ definition }: SampleTokenizer): fc.Arbitrary<number[]> {
  const count = Object.keys((definition.model as { vocab: object }).vocab).length;
  const some = fc.integer({ min: 0, max: count + 2 });
  // Few different ones often: runs of spaces, apostrophes and broken characters.
  const few = fc.array(some, { minLength: 1, maxLength: 6 }).chain((ids) => fc.array(fc.constantFrom(...ids)));
  return fc.oneof(fc.array(some, { maxLength: 40 }), few);
}

const PARTS = [
  "a ? b : !c",
  " the",
  "\n\n\t",
  "汉字テスト",
  "👩‍👩‍👧 🙂",
  "é",
  "it 's , n ' t  ' s",
  "\uFFFD",
  ".",
  "    ",
];

describe.each(Object.entries(SAMPLE_TOKENIZERS))("%s", (name, sample) => {
  test("the pieces of a stream are the text, whatever the tokens", async () => {
    const codec = await codecOf(sample);
    fc.assert(
      fc.property(idsOf(sample), (tokens) => {
        expect(piecesOf(codec, tokens).join("")).toBe(codec.decode(tokens));
      }),
      { numRuns: 2000 },
    );
  });

  test("nothing is nothing, and so are special tokens and ids without a token", async () => {
    const codec = await codecOf(sample);
    for (const tokens of [[], [0], [1, 0], [100_000], [0, 100_000, 1]]) {
      expect(codec.decode(tokens)).toBe("");
      expect(piecesOf(codec, tokens).join("")).toBe("");
    }
  });

  // Some decoders want all tokens before they say anything: what follows does not apply to them.
  if (name.includes("all tokens")) return;

  // White space at the end of a text is trimmed with a suffix: it waits for a word, however long that takes.
  const waitsForWord = name.startsWith("end-of-word");
  test(
    waitsForWord
      ? "what is held back is white space alone"
      : "what is held back is short, whatever the length of the text",
    async () => {
      const codec = await codecOf(sample);
      fc.assert(
        fc.property(idsOf(sample), (ids) => {
          const tokens = ids.length === 0 ? [] : Array.from({ length: 200 }, (_, i) => ids[i % ids.length]!);
          const stream = createTextStream(codec);
          let shown = "";
          for (const [i, token] of tokens.entries()) {
            shown += stream.push(token);
            if (i % 40 !== 39) continue;
            const heldBack = codec.decode(tokens.slice(0, i + 1)).slice(shown.length);
            expect((waitsForWord ? heldBack.trim() : heldBack).length).toBeLessThan(24);
          }
        }),
      );
    },
  );

  test("each token is looked at once", async () => {
    const codec = await codecOf(sample);
    let looks = 0;
    const tokenOf = (id: number) => {
      looks++;
      return codec.decoding.tokenOf(id);
    };
    const counted = { ...codec, decode: () => expect.fail("decoded again"), decoding: { ...codec.decoding, tokenOf } };
    piecesOf(counted, new Array(500).fill(8));
    expect(looks).toBe(500);
  });
});

test.each(["byte-level BPE", "Llama: byte fallback and Strip"] as const)(
  "%s: text comes back as it was",
  async (name) => {
    const codec = await codecOf(SAMPLE_TOKENIZERS[name]);
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...PARTS), { minLength: 1 }), (parts) => {
        const tokens = codec.encode(parts.join(""));
        expect(codec.decode(tokens)).toBe(parts.join(""));
        expect(piecesOf(codec, tokens).join("")).toBe(parts.join(""));
      }),
    );
  },
);

test("a character is shown as soon as its last byte is there", async () => {
  const codec = await codecOf(SAMPLE_TOKENIZERS["byte-level BPE"]);
  expect(piecesOf(codec, codec.encode("a🙂é"))).toEqual(["a", "", "", "", "🙂", "", "é", ""]);
});
