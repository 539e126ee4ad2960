import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type OpenModel, openModel } from "../open-model.ts";
import { type StepEffectOptions, stepEffect } from "./step-effect.ts";

const EXPORTS = fileURLToPath(new URL("../../../../ort-adapter/fixtures/exports", import.meta.url));

let original: OpenModel;
let twin: OpenModel;
let other: OpenModel;
beforeAll(async () => {
  const open = (name: string) => openModel(`${EXPORTS}/${name}`, { threads: 1, kvCache: "original" });
  [original, twin] = [await open("qwen2-oga-int4"), await open("qwen2-oga-int4")];
  other = await open("phi3long-oga-int4");
});
afterAll(async () => {
  for (const model of [original, twin, other]) await model.release();
});

function effect(candidate: OpenModel, options: Partial<StepEffectOptions>) {
  const { traits, folder } = original;
  const what = "a change";
  return stepEffect(original.runner, candidate.runner, {
    traits,
    contextLimit: folder.contextLimit,
    lossless: true,
    what,
    ...options,
  });
}

it("finds nothing where nothing changed, at one and at four rows of two contexts", async () => {
  const { logits, speed } = await effect(twin, {});
  expect(logits).toMatchObject({ largestError: 0, medianError: 0, sameChoice: logits.rows });
  expect(speed.map(({ contextLength, rows }) => [contextLength, rows])).toEqual([
    [64, 1],
    [64, 4],
    [248, 1],
    [248, 4],
  ]);
});

it("refuses other logits where they should be the same, unless it is shown to be rounding", async () => {
  const refused = { code: "unsupported-model", message: expect.stringMatching(/a change: .*off by/) };
  await expect(effect(other, {})).rejects.toMatchObject(refused);
  await expect(effect(other, { onlyRounding: async () => false })).rejects.toMatchObject(refused);
  expect((await effect(other, { onlyRounding: async () => true })).logits.sameChoice).toBeLessThan(20);
  expect((await effect(other, { lossless: false })).logits.medianError).toBeGreaterThan(0.1);
});

it("times the short context alone where nobody knows how long the model's is", async () => {
  const { speed } = await effect(twin, { contextLimit: undefined });
  expect(speed.map(({ contextLength }) => contextLength)).toEqual([128, 128]);
});
