import { openModel } from "@nearfree/calibrate/node";
import { plainTokens } from "../exports/arms.ts";
import { exportFolders, readGolden } from "../exports/golden.ts";

/** Texts of real exports, decoded one position at a time by a rewritten graph. */
export interface GoldenTexts {
  /** Texts of rewrites that must give the golden tokens: all of `rows`, and `lean` where kernels differ by rounding alone. */
  readonly texts: number;
  readonly mismatches: readonly string[];
  /** Texts of `lean` where kernels are coarse: not the default there. */
  readonly coarseTexts: number;
  readonly coarseMismatches: readonly string[];
}

export async function goldenTexts(folder: string, cache: string): Promise<GoldenTexts> {
  const found = { texts: 0, mismatches: [] as string[], coarseTexts: 0, coarseMismatches: [] as string[] };
  for (const path of exportFolders(folder)) {
    const golden = await readGolden(path);
    for (const kvCache of ["rows", "lean"] as const) {
      const model = await openModel(path, { threads: 1, kvCache, cache }).catch(() => undefined);
      if (model === undefined) continue;
      const coarse = model.form.form === "lean" && model.traits.coarse !== undefined;
      for (const [i, prompt] of golden.prompts.entries()) {
        const expected = golden.tokens[i]!;
        const tokens = await plainTokens(model.runner, prompt, expected.length);
        const right = expected.every((token, at) => token === tokens[at]);
        found[coarse ? "coarseTexts" : "texts"]++;
        if (!right) found[coarse ? "coarseMismatches" : "mismatches"].push(`${path}, ${kvCache}, prompt ${i}`);
      }
      await model.release();
    }
  }
  return found;
}
