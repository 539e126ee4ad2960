import { InferenceSession, Tensor } from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { countingDecoder } from "../../testing/counting-decoder.ts";
import { withShapes, withSlidingWindow, withSymbolicHeadSize } from "../../testing/edit-model.ts";
import { SMALL_SHAPE, type SmallDecoderOptions, smallDecoder } from "../../testing/small-decoder.ts";
import { resolveIo } from "../io-names.ts";
import { type FirstRunHints, firstRun } from "./first-run.ts";

const { kvHeads, headDim } = SMALL_SHAPE;

async function run(model: Uint8Array, hints?: FirstRunHints) {
  const session = await InferenceSession.create(model, { intraOpNumThreads: 1, logSeverityLevel: 4 });
  let runs = 0;
  const counted = {
    run: ((...parameters: Parameters<InferenceSession["run"]>) => {
      runs++;
      return session.run(...parameters);
    }) as InferenceSession["run"],
  };
  const first = await firstRun(counted, resolveIo(session), Tensor, hints);
  return { ...first, runs, sizes: first.io.kv.map(({ heads, headDim: size }) => [heads, size]) };
}
const small = (options: SmallDecoderOptions, hints?: FirstRunHints) => run(smallDecoder(options), hints);
const EACH = Array.from({ length: 2 * SMALL_SHAPE.layers }, () => [kvHeads, headDim]);

describe("the first run", () => {
  it("is the only one where every size is declared", async () => {
    expect(await small({})).toMatchObject({
      runs: 1,
      leastCapacity: 0,
      columns: SMALL_SHAPE.vocabularySize,
      sizes: EACH,
    });
  });

  it("finds a symbolic head size by what the kernel says, and needs no second run where a config tells", async () => {
    const edit = withSymbolicHeadSize;
    const found = await small({ edit });
    expect(found.sizes).toEqual(EACH);
    expect(found.runs).toBeLessThanOrEqual(2); // One layer says what it wants, unless the first guess was right.
    expect(await small({ edit }, { sizes: { headDim } })).toMatchObject({ runs: 1, sizes: EACH });
    expect((await small({ edit }, { sizes: { headDim: headDim + 8 } })).sizes).toEqual(EACH);
  });

  it("finds heads and head size of plain operators", async () => {
    const edit: SmallDecoderOptions["edit"] = (model) =>
      withShapes(model, ({ name, shape }) =>
        name.startsWith("past_key_values") ? ["b", "heads", "past", "size"] : shape,
      );
    expect((await small({ attention: "decomposed", edit })).sizes).toEqual(EACH);
  });

  it("gives a sliding window the room that it wants, found by its words or by the window that is known", async () => {
    const edit: SmallDecoderOptions["edit"] = (model) => withSymbolicHeadSize(withSlidingWindow(model, 24));
    expect(await small({ edit })).toMatchObject({ leastCapacity: 24, sizes: EACH });
    expect(await small({ edit }, { window: 24 })).toMatchObject({ leastCapacity: 24, sizes: EACH });
  });

  it("takes the other branch of a merged export where an empty past needs it", async () => {
    const branch = async (cacheBranch: "plain" | "dummy") =>
      (await run(countingDecoder({ cacheBranch }))).io.cacheBranch;
    expect(await branch("plain")).toMatchObject({ onEmpty: true });
    expect(await branch("dummy")).toMatchObject({ onEmpty: false });
  });

  it("fails as the model does, in one line", async () => {
    const session = await InferenceSession.create(smallDecoder(), { logSeverityLevel: 4 });
    const broken = { run: () => session.run({}) as never };
    await expect(firstRun(broken, resolveIo(session), Tensor)).rejects.toMatchObject({
      code: "run-failed",
      message: expect.stringMatching(/^\[ort-adapter\] session.run: [^\n]{20,500}$/),
    });
  });
});
