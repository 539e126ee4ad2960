import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRandom } from "@nearfree/calibrate";
import { openModel } from "@nearfree/calibrate/node";
import { tinyTs } from "@nearfree/examples";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { benchTokens } from "../setup/bench-tokens.ts";
import { compareSchedules } from "./compare-schedules.ts";
import { intersect, MAX_POSITIONS, measureInvariance } from "./measure-invariance.ts";

const CONTEXT = 40;
const SPAN = 96;

let cache: string;
beforeAll(async () => {
  cache = await mkdtemp(join(tmpdir(), "nearfree-invariance-"));
});
afterAll(() => rm(cache, { recursive: true, force: true }));

describe.each(["fp32", "int4"] as const)("the bundled model, %s", (variant) => {
  it("gives the same bits whatever schedule runs it, within the invariance class that was measured", async () => {
    const model = await openModel(await tinyTs(variant, cache), { threads: 2, kvCache: "original" });
    const tokens = await benchTokens(CONTEXT + SPAN + MAX_POSITIONS);
    const invariance = await measureInvariance(model.runner, tokens, {
      contextLength: CONTEXT,
      windows: 2,
      rows: 16,
      seconds: Number.POSITIVE_INFINITY,
    });
    expect(invariance.classes.flat().sort((a, b) => a - b)).toEqual(
      Array.from({ length: MAX_POSITIONS }, (_, i) => i + 1),
    );
    const widths = [...invariance.classes].sort((a, b) => b.length - a.length)[0]!;
    expect(widths.length).toBeGreaterThan(1);
    const options = { contextLength: CONTEXT, span: SPAN, rows: 800, random: createRandom(7) };
    const kept = await compareSchedules(model.runner, tokens, { widths, ...options });
    expect(kept.rows).toBeGreaterThanOrEqual(800);
    expect(kept.mismatches).toBe(0);
    // The check itself can fail: a schedule between classes shows where kernels differ.
    if (invariance.classes.length > 1) {
      const mixed = await compareSchedules(model.runner, tokens, {
        widths: invariance.classes.map(([first]) => first!),
        ...options,
      });
      expect(mixed.mismatches).toBeGreaterThan(0);
    }
    await model.release();
  });
});

describe("intersect", () => {
  it("keeps two n together only where both partitions do", () => {
    expect(
      intersect(
        [[1], [2, 3, 4]],
        [
          [1, 2],
          [3, 4],
        ],
      ),
    ).toEqual([[1], [2], [3, 4]]);
  });

  it("is a partition of the same n, whatever it is given", () => {
    const labels = fc.array(fc.nat(3), { minLength: 8, maxLength: 8 });
    const partition = (each: readonly number[]) =>
      [0, 1, 2, 3]
        .map((label) => each.flatMap((own, n) => (own === label ? [n + 1] : [])))
        .filter((part) => part.length > 0);
    fc.assert(
      fc.property(labels, labels, (a, b) => {
        const both = intersect(partition(a), partition(b));
        expect(both.flat().sort((x, y) => x - y)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
        for (const part of both)
          for (const n of part) {
            expect([a[n - 1], b[n - 1]]).toEqual([a[part[0]! - 1], b[part[0]! - 1]]);
          }
      }),
    );
  });
});
