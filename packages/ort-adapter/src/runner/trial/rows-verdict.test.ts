import { InferenceSession, Tensor } from "onnxruntime-node";
import { expect, it } from "vitest";
import { withPastBlindMask } from "../../testing/edit-model.ts";
import { type SmallDecoderOptions, smallDecoder } from "../../testing/small-decoder.ts";
import { createGrowingKvCache } from "../cache/growing-kv-cache.ts";
import { DecoderPass } from "../decoder-pass.ts";
import { resolveIo } from "../io-names.ts";
import { firstRun } from "./first-run.ts";
import { judgeRows, rowsOff } from "./rows-verdict.ts";

async function judge(options: SmallDecoderOptions) {
  const session = await InferenceSession.create(smallDecoder(options), { intraOpNumThreads: 1, logSeverityLevel: 4 });
  const first = await firstRun(session, resolveIo(session), Tensor);
  const cache = createGrowingKvCache(first.io.kv, Tensor);
  return (await judgeRows(new DecoderPass(session, first.io, Tensor), cache, first)).fault;
}

const ATTENTIONS = ["gqa", "decomposed"] as const;

it.each(
  ATTENTIONS.flatMap((attention) => (["fp32", "int4"] as const).map((quantisation) => ({ attention, quantisation }))),
)("finds nothing wrong with $quantisation kernels and $attention attention", async (options) => {
  expect(await judge(options)).toBeUndefined();
});

it("sees masks that are wrong for several rows on a past, and right for a prompt and for one row", async () => {
  expect(await judge({ attention: "decomposed", edit: withPastBlindMask })).toBe(
    "several rows at once give other logits than the same rows one at a time",
  );
});

it.each(ATTENTIONS)("sees one activation scale for all rows (%s)", async (attention) => {
  expect(await judge({ attention, quantisation: "int8-dynamic" })).toBe(
    "a row's logits change with the tokens behind it",
  );
});

it("takes rounding that the whole text shows too for rounding, and no more", () => {
  const whole = new Array<number>(7).fill(1e-6);
  expect(rowsOff({ whole, onPast: [1e-6, 0.01, 1e-3] })).toEqual([]);
  expect(rowsOff({ whole, onPast: [1e-6, 0.3, 1e-6] })).toEqual([8]);
  const coarse = new Array<number>(7).fill(0.03);
  expect(rowsOff({ whole: coarse, onPast: [0.1, 0.03] })).toEqual([]);
  expect(rowsOff({ whole: coarse, onPast: [0.3, 0.03] })).toEqual([7]);
  expect(rowsOff({ whole: new Array<number>(7).fill(1), onPast: [0.4] })).toHaveLength(8);
});
