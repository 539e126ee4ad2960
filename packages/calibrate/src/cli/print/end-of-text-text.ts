import type { EndOfText } from "@nearfree/ort-adapter/node";

/** Which ids end a text, and which files say so: `2 (config.json), 7 (config.json, tokenizer_config.json: <|end|>)`. */
export function endOfTextText(endOfText: readonly EndOfText[]): string {
  const sources = new Map<number, string[]>();
  for (const { file, ids, token } of endOfText) {
    for (const id of ids)
      sources.set(id, [...(sources.get(id) ?? []), token === undefined ? file : `${file}: ${token}`]);
  }
  const known = [...sources].map(([id, files]) => `${id} (${files.join(", ")})`);
  const unknown = endOfText
    .filter(({ ids }) => ids.length === 0)
    .map(({ file, token }) => `${file} names ${token}, which is not in the vocabulary`);
  return [...known, ...unknown].join(", ") || "nothing: no file names a token";
}
