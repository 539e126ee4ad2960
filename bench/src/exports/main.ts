import { existsSync } from "node:fs";
import { Option } from "commander";
import { type BenchOptions, benchCommand } from "../setup/bench-command.ts";
import { type CheckOptions, checkFolder, type FolderResult, STARTS } from "./check-folder.ts";
import { exportFolders, FIXTURES } from "./golden.ts";

interface ExportsOptions extends BenchOptions, Pick<CheckOptions, "kvCache"> {}

function line(result: FolderResult): string {
  const name = result.folder.padEnd(28);
  switch (result.outcome) {
    case "right":
      return `right    ${name} ${result.rows}${result.kernels === "coarse" ? "; equal in the class of its kernels" : ""}`;
    case "refused":
      return `refused  ${name} ${result.message}`;
    case "wrong":
      return `WRONG    ${name} ${result.differences.length} differences: ${result.differences.slice(0, 3).join("; ")}`;
  }
}

await benchCommand(
  "exports",
  "exports of real exporters, decoded one position at a time and by every arm, against their golden tokens",
  async ({ quick, kvCache }: ExportsOptions, say, [folder = FIXTURES]) => {
    if (!existsSync(folder)) throw new Error(`${folder}: no such folder`);
    const results: FolderResult[] = [];
    for (const path of exportFolders(folder)) {
      const result = await checkFolder(path, { starts: quick ? STARTS.slice(0, 2) : STARTS, kvCache });
      say(line(result));
      results.push(result);
    }
    const count = (outcome: FolderResult["outcome"]) => results.filter((each) => each.outcome === outcome).length;
    if (count("wrong") > 0 || results.length === 0) process.exitCode = 1;
    return {
      summary: {
        folders: results.length,
        right: count("right"),
        refused: count("refused"),
        wrong: count("wrong"),
      },
      results,
    };
  },
  (command) =>
    command
      .argument("[folder]", "one export with golden.json, or a folder of them; default: the fixtures")
      .addOption(
        new Option("--kv-cache <form>", "how the arms keep their KV cache").choices([
          "auto",
          "growing",
          "rows",
          "lean",
        ]),
      ),
);
