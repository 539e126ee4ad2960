import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Runner } from "@nearfree/core";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import type { RowTraits } from "../onnx/graph/rows/row-traits.ts";
import { createSessionRunner, type SessionRunnerOptions } from "./session-runner.ts";

const EXPORTS = fileURLToPath(new URL("../../fixtures/exports/", import.meta.url));
const NOTHING: RowTraits = { walls: [], window: undefined, dependence: undefined, coarse: undefined };

interface Golden {
  readonly prompts: readonly (readonly number[])[];
  readonly tokens: readonly (readonly number[])[];
}

async function open(path: string, options: Partial<SessionRunnerOptions> = {}) {
  const log: number[] = [];
  const session = await InferenceSession.create(`${EXPORTS}${path}`, { intraOpNumThreads: 1 });
  const run = ((feeds: InferenceSession.FeedsType, ...rest: []) => {
    log.push((feeds.input_ids as Tensor).dims[1]!);
    return session.run(feeds, ...rest);
  }) as InferenceSession["run"];
  const { inputNames, outputNames, inputMetadata, outputMetadata } = session;
  const wrapped = { inputNames, outputNames, inputMetadata, outputMetadata, run };
  const runner = await createSessionRunner(wrapped, { Tensor, contextLimit: 256, ...options });
  const golden = JSON.parse(readFileSync(`${EXPORTS}${path.split("/")[0]}/golden.json`, "utf8")) as Golden;
  return { runner, golden, log };
}

type Draft = (rightToken: number, k: number) => number;
const ARMS: readonly (readonly [string, number, Draft])[] = [
  ["one position at a time", 1, (token) => token],
  ["eight, drafts always right", 8, (token) => token],
  ["eight, drafts always wrong", 8, (token) => (token + 1) % 128],
  ["eight, drafts right up to the third", 8, (token, k) => (k < 2 ? token : (token + 1) % 128)],
];

/** Decodes greedily, `positions` a forward, drafts made of the golden tokens. */
async function decode(
  runner: Runner,
  prompt: readonly number[],
  golden: readonly number[],
  positions: number,
  draft: Draft,
) {
  const columns = runner.describe().vocabularySize;
  const out: number[] = [];
  runner.rewind(0);
  if (prompt.length > 1) await runner.forward(prompt.slice(0, -1), 0);
  for (let last = prompt.at(-1)!; out.length < golden.length; last = out.at(-1)!) {
    const start = runner.length;
    const drafted = golden.slice(out.length, out.length + positions - 1).map(draft);
    const logits = await runner.forward([last, ...drafted]);
    let row = 0;
    for (; ; row++) {
      const scores = logits.subarray(row * columns, (row + 1) * columns);
      out.push(scores.indexOf(Math.max(...scores)));
      if (drafted[row] !== out.at(-1)) break;
    }
    runner.rewind(start + row + 1);
  }
  return out.slice(0, golden.length);
}

describe.each([
  ["a builder's sliding window", "mistral-oga-fp32/model.onnx", {}],
  ["the same, its window known", "mistral-oga-fp32/model.onnx", { traits: { ...NOTHING, window: 32 } }],
  ["a present clipped to a window that nobody named", "mistral-ts-fp32win/onnx/model.onnx", {}],
  ["the same, its window known", "mistral-ts-fp32win/onnx/model.onnx", { traits: { ...NOTHING, window: 32 } }],
  ["LongRoPE that switches at 64", "phi3long-oga-fp32/model.onnx", { traits: { ...NOTHING, walls: [64] } }],
] as const)("%s (%s)", (_name, path, options) => {
  it.each(ARMS)("decodes to its golden tokens: %s", async (_arm, positions, draft) => {
    const { runner, golden } = await open(path, options);
    for (const [i, prompt] of golden.prompts.entries()) {
      expect(await decode(runner, prompt, golden.tokens[i]!, positions, draft)).toEqual(golden.tokens[i]);
    }
  });
});

describe("a wall", () => {
  it("is crossed by no forward, and leaves no row alone", async () => {
    const { runner, golden, log } = await open("phi3long-oga-fp32/model.onnx", { traits: { ...NOTHING, walls: [64] } });
    const text = [...golden.prompts[3]!, ...golden.tokens[3]!].slice(0, 80);
    const columns = runner.describe().vocabularySize;
    await runner.forward(text.slice(0, 2));
    const singles: number[] = [];
    runner.rewind(0);
    for (const token of text) singles.push(...(await runner.forward([token])));
    for (const [start, count] of [
      [60, 8],
      [63, 4],
      [57, 8],
      [0, 80],
      [63, 2],
    ] as const) {
      runner.rewind(start);
      log.length = 0;
      const rows = (await runner.forward(text.slice(start, start + count))).slice();
      expect(Math.min(...log)).toBeGreaterThanOrEqual(2);
      const expected = singles.slice(start * columns, (start + count) * columns);
      expect(Math.max(...rows.map((value, i) => Math.abs(value - expected[i]!)))).toBeLessThan(1e-4);
    }
  });

  it("is needed: without it the other table is used for all rows", async () => {
    const { runner, golden } = await open("phi3long-oga-fp32/model.onnx");
    const [prompt, tokens] = [golden.prompts[3]!, golden.tokens[3]!];
    expect(await decode(runner, prompt, tokens, 8, (token) => token)).not.toEqual(tokens);
  });
});

it("costs fewer than thirty forwards to wrap, and says which rows are run at once", async () => {
  const { runner, log } = await open("mistral-oga-fp32/model.onnx", { traits: { ...NOTHING, window: 32 } });
  expect(log.length).toBeLessThan(30);
  expect(runner.describe()).toMatchObject({ kvCache: "in-place", rowsAtOnce: Number.POSITIVE_INFINITY });
  const clipped = await open("mistral-ts-fp32win/onnx/model.onnx", { traits: { ...NOTHING, window: 32 } });
  expect(clipped.log.length).toBeLessThan(30);
  expect(clipped.runner.describe()).toMatchObject({
    kvCache: "growing",
    rowsAtOnce: 31,
    rowsAtOnceReason: "the model keeps a window of 31 positions",
  });
});
