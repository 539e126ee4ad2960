import { expect, test } from "vitest";
import { endOfTextText } from "./end-of-text-text.ts";

test("each id once, with all that name it", () => {
  const text = endOfTextText([
    { file: "generation_config.json", ids: [2, 7] },
    { file: "config.json", ids: [2] },
    { file: "tokenizer_config.json", ids: [7], token: "<|end|>" },
  ]);
  expect(text).toBe(
    "2 (generation_config.json, config.json), 7 (generation_config.json, tokenizer_config.json: <|end|>)",
  );
});

test("says where nothing ends a text, and where a token has no id", () => {
  expect(endOfTextText([])).toBe("nothing: no file names a token");
  expect(endOfTextText([{ file: "tokenizer_config.json", ids: [], token: "</s>" }])).toBe(
    "tokenizer_config.json names </s>, which is not in the vocabulary",
  );
});
