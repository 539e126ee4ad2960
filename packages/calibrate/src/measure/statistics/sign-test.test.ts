import { expect, it } from "vitest";
import { createRandom } from "./random.ts";
import { SignTest } from "./sign-test.ts";

it("needs 12 samples, all below, for evidence of 1,000", () => {
  // Each sample below multiplies a bet b by 2b: the mean over the six bets of (2b)^12 is 1,224.6.
  const test = new SignTest(0.1);
  for (let i = 0; i < 11; i++) test.add(0);
  expect(test.evidence).toBeLessThan(1_000);
  test.add(0);
  expect(test.evidence).toBeGreaterThan(1_000);
});

it("starts at 1 and loses with samples at or above the threshold", () => {
  const test = new SignTest(0.1);
  expect(test.evidence).toBe(1);
  test.add(0.1);
  expect(test.evidence).toBeLessThan(1);
});

it("rejects a true hypothesis at 1/20 less often than that, however often it is looked at", () => {
  const random = createRandom(3);
  let rejected = 0;
  for (let run = 0; run < 2_000; run++) {
    const test = new SignTest(0);
    for (let i = 0; i < 200 && test.evidence < 20; i++) test.add(random() - 0.5);
    if (test.evidence >= 20) rejected++;
  }
  expect(rejected / 2_000).toBeLessThan(0.05);
});
