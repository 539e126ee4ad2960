import { NearfreeError } from "@nearfree/core";
import { describeRunnerContract } from "@nearfree/core/test";
import fc from "fast-check";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { buildDecoder } from "../build/decoder.ts";
import { randomWeights } from "../build/random-weights.ts";
import { encodeModelToBytes } from "../onnx/write/writer.ts";
import type { CountingDecoderOptions } from "../testing/counting-decoder.ts";
import { countingDecoder } from "../testing/counting-decoder.ts";
import { withPastBlindMask } from "../testing/edit-model.ts";
import type { SmallDecoderOptions } from "../testing/small-decoder.ts";
import { SMALL_SHAPE, smallDecoder } from "../testing/small-decoder.ts";
import type { SessionIo } from "./io-names.ts";
import type { SessionRunnerOptions } from "./session-runner.ts";
import { createSessionRunner } from "./session-runner.ts";
import type { KvCacheMode } from "./trial/find-kv-cache.ts";

/** Small chunks, so that short tests grow, shrink and prefill in several forwards. */
const OPTIONS = { Tensor, contextLimit: SMALL_SHAPE.contextLimit, kvChunk: 8, prefillChunk: 16 };

async function wrap(model: Uint8Array, options: Partial<SessionRunnerOptions> = {}) {
  const session = await InferenceSession.create(model, {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    logSeverityLevel: 4,
  });
  return createSessionRunner(session, { ...OPTIONS, ...options });
}
const small = (decoder: SmallDecoderOptions, kvCache: KvCacheMode = "auto") => wrap(smallDecoder(decoder), { kvCache });
const counting = (decoder: CountingDecoderOptions, options: Partial<SessionRunnerOptions> = {}) =>
  wrap(countingDecoder(decoder), options);

/** The same session, whose feeds pass through `change`. */
function intercept(
  session: InferenceSession,
  change: (feeds: InferenceSession.FeedsType) => InferenceSession.FeedsType,
): Pick<InferenceSession, "run" | keyof SessionIo> {
  const { inputNames, outputNames, inputMetadata, outputMetadata } = session;
  const run = (feeds: InferenceSession.FeedsType, fetches: InferenceSession.FetchesType) =>
    session.run(change(feeds), fetches);
  return { inputNames, outputNames, inputMetadata, outputMetadata, run: run as InferenceSession["run"] };
}

const INT4 = { quantisation: "int4" } as const;
const DECOMPOSED = { attention: "decomposed" } as const;
// int8 activations round by row: at n = 1 they use another kernel, and random weights give logits of about +-10.
const INT4_TOLERANCE = { tolerance: 1 };

describeRunnerContract("fp32 GroupQueryAttention, in place", () => small({}));
describeRunnerContract("fp32 GroupQueryAttention, growing", () => small({}, "growing"));
describeRunnerContract("int4 GroupQueryAttention, in place", () => small(INT4), INT4_TOLERANCE);
describeRunnerContract("fp32 decomposed attention", () => small(DECOMPOSED));
describeRunnerContract("fp32 decomposed attention, position_ids", () => small({ ...DECOMPOSED, positionIds: true }));
for (const type of ["float32", "float16"] as const) {
  for (const tokenType of ["int64", "int32"] as const) {
    const decoder = { type, tokenType, positionIds: true, logitsToKeep: true };
    describeRunnerContract(`${type} cache, ${tokenType} tokens, num_logits_to_keep`, () => counting(decoder), {
      tolerance: 0,
    });
  }
}

describe("the KV cache that is found", () => {
  it.each([
    ["GroupQueryAttention", () => small({}), "in-place"],
    ["GroupQueryAttention with int4 weights", () => small(INT4), "in-place"],
    [
      "GroupQueryAttention in a context smaller than the trial",
      () => wrap(smallDecoder(), { contextLimit: 4 }),
      "in-place",
    ],
    ["decomposed attention", () => small(DECOMPOSED), "growing"],
    ["a model that only seems to write in place", () => counting({ clipped: true }), "growing"],
    ["a model that seems to, and whose logits hide it", () => counting({ clipped: true, blind: true }), "growing"],
  ] as const)("is right for %s", async (_name, make, kvCache) => {
    const runner = await make();
    expect(runner.describe().kvCache).toBe(kvCache);
    expect(runner.length).toBe(0);
  });

  it("keeps the cache in place though kernels of one row and of several round otherwise, layer after layer", async () => {
    const shape = { ...SMALL_SHAPE, layers: 8, hiddenSize: 256, intermediateSize: 512, heads: 16 };
    const model = buildDecoder({ shape, attention: "gqa", quantisation: "int4" }, randomWeights(1));
    const runner = await wrap(encodeModelToBytes(model));
    expect(runner.describe()).toMatchObject({ kvCache: "in-place", rowsAtOnce: Number.POSITIVE_INFINITY });
    await runner.release();
  });

  it("is refused in place where the model cannot", async () => {
    const wrapped = counting({ clipped: true, blind: true }, { kvCache: "in-place" });
    await expect(wrapped).rejects.toThrow(
      "[ort-adapter] kvCache in-place: expected a model that writes its present into its past, received a present that was not " +
        "written into the shared memory; leave kvCache at auto",
    );
    await expect(small(DECOMPOSED, "in-place")).rejects.toMatchObject({ code: "unsupported-model" });
  });
});

describe("what cannot be verified is refused when it is wrapped", () => {
  it.each([
    ["a pruned head", { pruned: true }, "output logits: expected logits of every position, received [1, 1, 16]"],
  ] as const)("%s", async (_name, decoder, message) => {
    const error = await counting(decoder).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(NearfreeError);
    expect(error).toMatchObject({ code: "unsupported-model", message: expect.stringContaining(message) });
  });

  it.each([
    [{ contextLimit: 0 }, "contextLimit"],
    [{ prefillChunk: 0 }, "prefillChunk"],
    [{ kvChunk: 0.5 }, "kvChunk"],
  ])("option %o", async (options, what) => {
    await expect(counting({}, options)).rejects.toMatchObject({
      code: "invalid-argument",
      message: expect.stringContaining(what),
    });
  });
});

describe("a runner", () => {
  it("lets nothing else in while a forward runs", async () => {
    const runner = await small({});
    const pending = runner.forward([1, 2, 3]);
    await expect(runner.forward([4])).rejects.toMatchObject({ code: "invalid-argument" });
    expect(() => runner.rewind(0)).toThrow("expected one call at a time");
    await pending;
    expect(runner.length).toBe(3);
  });

  it("reads a long input in chunks, none of a single position, and the last with every row asked for", async () => {
    const session = await InferenceSession.create(smallDecoder(), { intraOpNumThreads: 1, logSeverityLevel: 4 });
    let sizes: number[] = [];
    const counted = intercept(session, (feeds) => {
      sizes.push((feeds.input_ids as Tensor).dims[1]!);
      return feeds;
    });
    const runner = await createSessionRunner(counted, OPTIONS);
    const { prefillChunk } = OPTIONS;
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 2, max: 120 }), fc.oneof(fc.nat(2), fc.nat(120)), async (length, some) => {
        const rows = Math.min(length, some);
        sizes = [];
        runner.rewind(0);
        await runner.forward(TEXT.subarray(0, length), rows);
        expect(sizes.reduce((sum, size) => sum + size)).toBe(length);
        expect(Math.min(...sizes)).toBeGreaterThanOrEqual(2);
        expect(sizes.at(-1)).toBeGreaterThanOrEqual(rows);
        expect(Math.max(...sizes)).toBeLessThanOrEqual(Math.max(prefillChunk, rows) + 1);
      }),
    );
  });

  it.each(["in-place", "growing"] as const)("keeps its length when ONNX Runtime fails (%s)", async (kvCache) => {
    const model = smallDecoder();
    const session = await InferenceSession.create(model, { intraOpNumThreads: 1, logSeverityLevel: 4 });
    let runsUntilFailure = Number.POSITIVE_INFINITY;
    const failing = intercept(session, (feeds) => {
      runsUntilFailure--;
      const tooLong = new Tensor("int64", new BigInt64Array(7), [7]);
      return runsUntilFailure < 0 ? { ...feeds, input_ids: tooLong } : feeds;
    });
    const runner = await createSessionRunner(failing, { ...OPTIONS, kvCache });
    await runner.forward([1, 2, 3, 4]);
    const expected = (await runner.forward([5, 6])).slice();
    runner.rewind(4);
    runsUntilFailure = 1; // The first chunk of a long input is appended, the second fails.
    const error = await runner.forward(new Int32Array(40), 1).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "run-failed", message: expect.stringMatching(/input_ids int64 \[1, 16\]/) });
    expect(runner.length).toBe(4);
    runsUntilFailure = Number.POSITIVE_INFINITY;
    expect(await runner.forward([5, 6])).toEqual(expected);
  });
});

describe("rows that would not be right at once", () => {
  it.each<[string, SmallDecoderOptions, string]>([
    [
      "a mask that forgets the past",
      { ...DECOMPOSED, edit: withPastBlindMask },
      "several rows at once give other logits",
    ],
    [
      "one activation scale for all rows",
      { quantisation: "int8-dynamic" },
      "a row's logits change with the tokens behind it",
    ],
  ])("are run one at a time, prefill too: %s", async (_name, decoder, reason) => {
    const runner = await small(decoder);
    expect(runner.describe()).toMatchObject({ rowsAtOnce: 1, rowsAtOnceReason: expect.stringContaining(reason) });
    const text = TEXT.subarray(0, 24);
    const singles: number[] = [];
    for (const token of text) singles.push(...(await runner.forward([token])));
    runner.rewind(0);
    expect([...(await runner.forward(text))]).toEqual(singles);
    runner.rewind(5);
    await runner.forward(text.subarray(5, 20), 0);
    expect([...(await runner.forward(text.subarray(20)))]).toEqual(singles.slice(20 * SMALL_SHAPE.vocabularySize));
  });

  it("are not run at once where the graph says so, whatever the trial saw", async () => {
    const traits = { walls: [], window: undefined, dependence: "one scale", coarse: undefined };
    const runner = await wrap(smallDecoder(), { traits });
    expect(runner.describe()).toMatchObject({ rowsAtOnce: 1, rowsAtOnceReason: "one scale" });
  });
});

/** Steps of a decode: rewind by up to `back` positions, then forward `n`. */
const schedule = fc.array(fc.record({ n: fc.integer({ min: 2, max: 20 }), back: fc.nat(24) }), {
  minLength: 1,
  maxLength: 12,
});

const TEXT = Int32Array.from({ length: 300 }, (_, i) => (i * i * 7 + 3 * i) % SMALL_SHAPE.vocabularySize);

/** What consistent decoding rests on: a row has the same bits for every n >= 2, and memory shared by past and present changes none. */
describe.each([
  ["fp32", {}],
  ["int4", INT4],
] as const)("on the CPU, %s", (_name, decoder) => {
  it("a row has the same bits whatever the schedule of n >= 2, in place and growing", async () => {
    const columns = SMALL_SHAPE.vocabularySize;
    const reference = await small(decoder);
    const rows = (await reference.forward(TEXT)).slice();
    const runners = [await small(decoder), await small(decoder, "growing")];
    await fc.assert(
      fc.asyncProperty(schedule, async (steps) => {
        for (const runner of runners) {
          runner.rewind(0);
          for (const { n, back } of steps) {
            runner.rewind(Math.max(0, runner.length - back));
            const from = runner.length;
            const logits = await runner.forward(TEXT.subarray(from, from + n));
            expect(logits).toEqual(rows.subarray(from * columns, (from + n) * columns));
          }
        }
      }),
      { numRuns: 40 },
    );
  });
});
