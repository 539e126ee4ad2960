import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { heldOutPrompts, VARIED_PROMPTS } from "./prompts.ts";

test("the README's example is the program that runs", async () => {
  const readme = await readFile(new URL("../../README.md", import.meta.url), "utf8");
  const program = await readFile(new URL("readme.ts", import.meta.url), "utf8");
  expect(readme).toContain(`\`\`\`ts\n${program}\`\`\``);
});

test("its prompt is a held-out one whose continuation does not go round in circles", async () => {
  const program = await readFile(new URL("readme.ts", import.meta.url), "utf8");
  const shown = (await heldOutPrompts()).filter(({ id }) => VARIED_PROMPTS.includes(id));
  expect(shown.some(({ prompt }) => program.includes(`\`${prompt}\``))).toBe(true);
});
