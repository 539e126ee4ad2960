import type { CellRun } from "./cell-run.ts";
import { boundaryOf, CLOSE_ENOUGH } from "./decide.ts";
import type { Findings } from "./findings.ts";
import { SignTest } from "./statistics/sign-test.ts";
import { BLOCK } from "./sweep.ts";

/** Probability of an unsafe claim that is accepted. */
export const CERTIFY_ALPHA = 0.001;
/** Fresh samples after which an n that is not rejected counts as not certified. */
const MAX_SAMPLES = 60;

/**
 * Tests each measured n up to the boundary against "dearer than (1 + epsilon) * 1.02", in ascending order up to the first that does
 * not pass. An unsafe claim needs a false rejection at the smallest unsafe n, whatever happens elsewhere: its probability is at
 * most `CERTIFY_ALPHA`, however long the samples are looked at. Samples of the sweep do not count, since they chose what is tested.
 */
export async function certifyBoundary(
  run: CellRun,
  { epsilon, maxPositions }: { readonly epsilon: number; readonly maxPositions: number },
  findings: Findings,
): Promise<void> {
  const { samples } = findings;
  const { prefixFree } = boundaryOf(samples, epsilon, maxPositions);
  const threshold = Math.log1p(epsilon) + Math.log1p(CLOSE_ENOUGH);
  const tests = samples.measured.filter((n) => n <= prefixFree).map((n) => ({ n, test: new SignTest(threshold) }));
  const passed = ({ test }: { test: SignTest }) => test.evidence >= 1 / CERTIFY_ALPHA;
  for (;;) {
    const open = tests.filter((entry) => !passed(entry));
    const last = tests.findIndex((entry) => !passed(entry));
    findings.certified = last === -1 ? prefixFree : (tests[last - 1]?.n ?? 1);
    if (open[0] === undefined || open[0].test.samples >= MAX_SAMPLES) return;
    const block = open.slice(0, BLOCK);
    const fresh = await run.measureFresh(block.map(({ n }) => n));
    for (const { n, test } of block) {
      const sample = fresh.get(n);
      if (sample !== undefined) test.add(sample);
    }
  }
}
