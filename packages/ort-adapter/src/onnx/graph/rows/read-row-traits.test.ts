import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { resolveModelFolder } from "../../../model-folder/model-folder.ts";
import { rowConfig } from "../../../model-folder/row-config.ts";
import { summarizeFile } from "../../../model-folder/summarize-file.ts";
import { renameModel } from "../../../testing/rename-model.ts";
import { traitsOf } from "../../../testing/rows-graph.ts";
import { openModelFiles } from "../../read/file-source.ts";
import { readModel } from "../../read/reader.ts";
import type { RowTraits } from "./row-traits.ts";

const EXPORTS = fileURLToPath(new URL("../../../../fixtures/exports", import.meta.url));

const INT8 = "MatMulNBits at accuracy level 4 (int8 activations)";
const NOTHING: RowTraits = { walls: [], window: undefined, dependence: undefined, coarse: undefined };
const EXPECTED: Readonly<Record<string, RowTraits>> = {
  "phi3long-oga-int4": { ...NOTHING, walls: [64], coarse: INT8 },
  "llama-oga-int4b16": { ...NOTHING, coarse: INT8 },
  "falcon-ts-q8": {
    ...NOTHING,
    dependence: "one activation scale for all rows of a forward (DynamicQuantizeLinear)",
    coarse: "DynamicQuantizeLinear of activations, MatMulInteger (int8 activations)",
    hidden: "DynamicQuantizeLinear of activations, MatMulInteger (int8 activations)",
  },
  "gpt2-optimum-fp16": { ...NOTHING, coarse: "float16 activations", hidden: "float16 activations" },
};

describe("traits of real exports", () => {
  for (const name of readdirSync(EXPORTS).filter((each) => each in EXPECTED)) {
    it(`${name}, whatever its inner values are called`, async () => {
      const folder = await resolveModelFolder(join(EXPORTS, name));
      const { traits } = summarizeFile(folder.modelPath, rowConfig(folder));
      expect(traits).toEqual(EXPECTED[name]);
      const files = openModelFiles(folder.modelPath);
      const renamed = renameModel(readModel(files), (i) => `n${i}`);
      files.close();
      expect(traitsOf(renamed, rowConfig(folder))).toEqual(traits);
    });
  }

  it("are all there", () => {
    expect(readdirSync(EXPORTS)).toEqual(expect.arrayContaining(Object.keys(EXPECTED)));
  });
});
