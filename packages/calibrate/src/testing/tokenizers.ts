/** Tokenizers as Hugging Face writes them, small, one of each kind that decoders of language models have. */
export interface SampleTokenizer {
  readonly definition: { readonly [key: string]: unknown };
  readonly config: { readonly [key: string]: unknown };
}

const SPECIAL = ["<s>", "</s>"];
const bytes = Array.from({ length: 256 }, (_, byte) => byte);
const isPrintable = (b: number) => (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
const others = bytes.filter((byte) => !isPrintable(byte));
/** GPT-2's stand-in for each byte. */
const alphabet = bytes.map((byte) => String.fromCharCode(isPrintable(byte) ? byte : 256 + others.indexOf(byte)));
const hexBytes = bytes.map((byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`);
const ASCII = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i));
const PIECES = [
  "▁",
  "▁▁▁",
  "▁the",
  "▁a",
  "▁.",
  "▁,",
  "▁'",
  "'s",
  "n",
  "t",
  ".",
  "?",
  "!",
  ",",
  " ",
  "  ",
  "\n",
  "\t",
  "好",
  "▁好",
  "é",
  "🙂",
];
const TAGS = ["<tool>", "▁<sep>▁", " n't "];

function tokenizer(
  model: { readonly type: string; readonly [key: string]: unknown },
  pieces: readonly string[],
  decoder: object | null,
  config: object = {},
  forEncoding: object = {},
): SampleTokenizer {
  const added = [...SPECIAL, ...TAGS].map((content, id) => ({ id, content, special: id < SPECIAL.length }));
  const words = [...new Set([...added.map(({ content }) => content), ...pieces])];
  const vocab =
    model.type === "Unigram"
      ? words.map((word) => [word, -1])
      : Object.fromEntries(words.map((word, id) => [word, id]));
  const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false };
  return {
    definition: {
      version: "1.0",
      truncation: null,
      padding: null,
      added_tokens: added.map((token) => ({ ...flags, ...token })),
      normalizer: null,
      pre_tokenizer: null,
      post_processor: null,
      decoder,
      model: { ...model, vocab },
      ...forEncoding,
    },
    config: { eos_token: "</s>", ...config },
  };
}

const BPE = { type: "BPE", merges: [], unk_token: null };
const WORD_PIECE = {
  type: "WordPiece",
  unk_token: "[UNK]",
  continuing_subword_prefix: "##",
  max_input_chars_per_word: 100,
};
const BYTE_LEVEL = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true };
const UNDERSCORE = { type: "Replace", pattern: { String: "▁" }, content: " " };
const STRIP = { type: "Strip", content: " ", start: 1, stop: 0 };
const LLAMA = { type: "Sequence", decoders: [UNDERSCORE, { type: "ByteFallback" }, { type: "Fuse" }, STRIP] };
const GEMMA = { type: "Sequence", decoders: [UNDERSCORE, { type: "ByteFallback" }, { type: "Fuse" }] };
const METASPACE = { type: "Metaspace", replacement: "▁", prepend_scheme: "always", split: true };
const SUBWORDS = [
  "[UNK]",
  "a",
  "b",
  "the",
  "it",
  "##s",
  "##ing",
  "##'",
  "'",
  "s",
  "m",
  "n",
  "t",
  "re",
  "ve",
  ".",
  "?",
  "!",
  ",",
  "##.",
  "好",
];
const cleans = { clean_up_tokenization_spaces: true };

export const SAMPLE_TOKENIZERS = {
  "byte-level BPE": tokenizer(
    BPE,
    [...alphabet, "Ġthe", "Ġ.", "Ã©", "ðŁ"],
    BYTE_LEVEL,
    {},
    { pre_tokenizer: BYTE_LEVEL },
  ),
  "Llama: byte fallback and Strip": tokenizer(
    { ...BPE, byte_fallback: true },
    [...PIECES, ...hexBytes],
    LLAMA,
    cleans,
    {
      normalizer: {
        type: "Sequence",
        normalizers: [
          { type: "Prepend", prepend: "▁" },
          { type: "Replace", pattern: { String: " " }, content: "▁" },
        ],
      },
    },
  ),
  "Gemma: byte fallback without Strip": tokenizer(BPE, [...PIECES, ...hexBytes], GEMMA),
  "Strip at both ends": tokenizer(BPE, [...PIECES, ...hexBytes], {
    type: "Sequence",
    decoders: [...GEMMA.decoders, { ...STRIP, start: 3, stop: 2 }],
  }),
  "Strip of every token": tokenizer(BPE, PIECES, { type: "Sequence", decoders: [UNDERSCORE, { ...STRIP, stop: 1 }] }),
  "Replace of fused text": tokenizer(BPE, PIECES, {
    type: "Sequence",
    decoders: [{ type: "Fuse" }, { type: "Replace", pattern: { String: "▁▁n" }, content: "-" }, UNDERSCORE],
  }),
  "Unigram and Metaspace, with clean-up": tokenizer({ type: "Unigram", unk_id: 0 }, PIECES, METASPACE, cleans),
  "Unigram, byte fallback, with clean-up": tokenizer(
    { type: "Unigram", unk_id: 0, byte_fallback: true },
    [...PIECES, ...hexBytes, "▁n", "▁'s", "'▁"],
    LLAMA,
    cleans,
  ),
  "WordPiece with clean-up": tokenizer(
    WORD_PIECE,
    SUBWORDS,
    { type: "WordPiece", prefix: "##", cleanup: true },
    cleans,
  ),
  "WordPiece without": tokenizer(WORD_PIECE, SUBWORDS, { type: "WordPiece", prefix: "##", cleanup: false }),
  "no decoder, with clean-up": tokenizer(WORD_PIECE, [...SUBWORDS, ...ASCII], null, cleans),
  "end-of-word suffix": tokenizer(
    { ...BPE, end_of_word_suffix: "</w>" },
    ["a", "a</w>", "<", "/w>", "</w>", " ", "b"],
    {
      type: "BPEDecoder",
      suffix: "</w>",
    },
  ),
  "end-of-word suffix behind bytes": tokenizer(
    { ...BPE, end_of_word_suffix: "</w>" },
    [...alphabet, "a</w>", "Ġ</w>", "</", "w>"],
    BYTE_LEVEL,
  ),
  "a decoder that needs all tokens": tokenizer(BPE, PIECES, {
    type: "CTC",
    pad_token: "n",
    word_delimiter_token: "▁",
    cleanup: true,
  }),
} as const satisfies Record<string, SampleTokenizer>;
