import { openModel } from "@nearfree/calibrate/node";
import { createScheduler } from "@nearfree/core";
import { heldOutPrompts, tinyTs } from "@nearfree/examples";
import { expect, it } from "vitest";
import { fixedArm, loopArm } from "./loop-arm.ts";
import { transformersjsArm } from "./transformersjs-arm.ts";

it("every arm stops at the end of the text, before the token that ends it, and times nothing where that comes first", async () => {
  const folder = await tinyTs("fp32");
  const model = await openModel(folder, { threads: 1 });
  const prompt = model.codec!.encode((await heldOutPrompts()).find(({ id }) => id === "novel-14")!.prompt);
  const { tokens } = await fixedArm(1, model.runner, []).generate(prompt, 40);
  // As if the text ended where a token comes up that was not there before.
  const at = tokens.findIndex((token, i) => i > 8 && tokens.indexOf(token) === i);
  for (const [stop, expected] of [
    [tokens[at]!, tokens.slice(0, at)],
    [tokens[0]!, []],
  ] as const) {
    const scheduler = createScheduler({ policy: "fixed", positions: 4 });
    const transformersjs = await transformersjsArm(folder, 1, [stop]);
    for (const arm of [
      fixedArm(1, model.runner, [stop]),
      loopArm("wide", model.runner, scheduler, [stop]),
      transformersjs,
    ]) {
      const generation = await arm.generate(prompt, 40);
      expect(generation.tokens, arm.name).toEqual(expected);
      expect(generation.decodeMs > 0, arm.name).toBe(expected.length > 0);
    }
    await transformersjs.dispose();
  }
  await model.release();
});
