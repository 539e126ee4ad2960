import { expect, it } from "vitest";
import { reportOf, totalsOf } from "../../testing/report-of.ts";
import { sampleDecoder } from "../../testing/sample-decoder.ts";
import { mergedDecoder, withFunction } from "../../testing/wrapped-decoder.ts";

it("a decoder inside an If takes the branch with the cache, and inside a function its body", () => {
  const model = sampleDecoder();
  const expected = reportOf(model).summary;
  const inBranch = reportOf(mergedDecoder(model)).summary;
  expect(totalsOf(inBranch)).toEqual(totalsOf(expected));
  const inFunction = reportOf(withFunction(model)).summary;
  expect(totalsOf(inFunction)).toEqual(totalsOf(expected));
});
