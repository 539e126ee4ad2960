import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";

test("the README's example is the program that runs", async () => {
  const readme = await readFile(new URL("../../README.md", import.meta.url), "utf8");
  const program = await readFile(new URL("readme.ts", import.meta.url), "utf8");
  expect(readme).toContain(`\`\`\`ts\n${program}\`\`\``);
});
