import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

/** Where each entry of a package is, by the conditions of its package.json. */
type Exports = Readonly<Record<string, { readonly "@nearfree/source": string }>>;

// What packages promise: a name that comes, goes or moves shows in packages/<name>/exports.txt. `npm test -- scripts -u` writes it anew.
test.each(["core", "ort-adapter", "calibrate"])("%s exports what its exports.txt says", async (name) => {
  const folder = new URL(`../packages/${name}/`, import.meta.url);
  const manifest: { name: string; exports: Exports } = JSON.parse(
    readFileSync(new URL("package.json", folder), "utf8"),
  );
  const sections: string[] = [];
  for (const [entry, { "@nearfree/source": source }] of Object.entries(manifest.exports)) {
    const names = Object.keys(await import(new URL(source, folder).href)).sort();
    sections.push([manifest.name + entry.slice(1), ...names.map((each) => `    ${each}`)].join("\n"));
  }
  await expect(`${sections.join("\n\n")}\n`).toMatchFileSnapshot(fileURLToPath(new URL("exports.txt", folder)));
});
