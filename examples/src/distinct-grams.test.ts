import { openModel } from "@nearfree/calibrate/node";
import { createScheduler, decodeAll } from "@nearfree/core";
import { expect, it } from "vitest";
import { distinctGrams, LOOPING_BELOW } from "./distinct-grams.ts";
import { heldOutPrompts, VARIED_PROMPTS } from "./prompts.ts";
import { tinyTs } from "./tiny-ts.ts";

it("is the share of four tokens in a row that were not there before", () => {
  expect(distinctGrams([1, 2, 3, 4, 5, 6])).toBe(1);
  expect(distinctGrams([1, 2, 3, 4, 1, 2, 3, 4])).toBe(4 / 5);
  expect(distinctGrams(new Array(103).fill(7))).toBe(1 / 100);
  expect(distinctGrams([1, 1, 2, 1, 1], 2)).toBe(3 / 4);
});

it.each([0, 1, 2, 3])("is 1 for a text of %i tokens", (length) => {
  expect(distinctGrams(new Array(length).fill(7))).toBe(1);
});

it("the prompts that are shown have continuations that do not go round in circles", async () => {
  const model = await openModel(await tinyTs("fp32"), { threads: 1 });
  const scheduler = createScheduler({ policy: "fixed", positions: 1 });
  const shown = (await heldOutPrompts()).filter(({ id }) => VARIED_PROMPTS.includes(id));
  expect(new Set(shown.map(({ kind }) => kind)).size).toBe(3);
  for (const { prompt } of shown) {
    model.runner.rewind(0);
    const stopTokens = model.folder.eosTokenIds;
    const options = { runner: model.runner, scheduler, prompt: model.codec!.encode(prompt), stopTokens };
    const { tokens } = await decodeAll({ ...options, maxNewTokens: 160 });
    expect(tokens.length).toBeGreaterThan(40);
    expect(distinctGrams(tokens)).toBeGreaterThan(LOOPING_BELOW);
  }
  await model.release();
});
