import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { checkFolder, STARTS } from "./check-folder.ts";
import { exportFolders } from "./golden.ts";

const FIXTURES = fileURLToPath(new URL("../../../packages/ort-adapter/fixtures/exports/", import.meta.url));

/** What no verification can work with, and why: everything else has to decode. */
const REFUSED: Readonly<Record<string, RegExp>> = {
  "llama-oga-fp32prune": /a row for the last position only/,
};

describe("exports of real exporters", () => {
  const quiet = STARTS.filter(({ loaded }) => !loaded);
  it.each(exportFolders(FIXTURES).map((path) => [basename(path), path]))("%s", async (name, path) => {
    const result = await checkFolder(path!, { starts: quiet });
    const reason = REFUSED[name!];
    if (reason === undefined) expect(result).toMatchObject({ outcome: "right" });
    else expect(result).toMatchObject({ outcome: "refused", message: expect.stringMatching(reason) });
  });

  it("finds a wrong token: golden tokens that are another file's", async () => {
    const folder = await mkdtemp(join(tmpdir(), "nearfree-exports-"));
    try {
      await cp(join(FIXTURES, "llama-optimum-bnb4"), folder, { recursive: true });
      const golden = JSON.parse(await readFile(join(folder, "golden.json"), "utf8"));
      golden.tokens[1][40] = (golden.tokens[1][40] + 1) % 128;
      await writeFile(join(folder, "golden.json"), JSON.stringify(golden));
      const result = await checkFolder(folder, { starts: quiet.slice(0, 1) });
      expect(result).toMatchObject({ outcome: "wrong" });
      expect(JSON.stringify(result)).toContain("plain, prompt 1: token 40");
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
