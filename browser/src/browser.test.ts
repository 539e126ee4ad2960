import { sampleProfile } from "@nearfree/core/test";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CHROMIUM, NEEDS_CHROMIUM } from "./chromium.ts";
import { expectAlike } from "./expect-alike.ts";
import { type OpenPage, openPage, type Place } from "./open-page.ts";
import { coreScenario } from "./page/core-scenario.ts";
import type { SessionOptions } from "./page/session-scenario.ts";
import { CONTEXT_LIMIT, EXERCISE, PRESENTS, SMALL_MODELS, WEBGPU_EXERCISE } from "./small-models.ts";

const PLACES: readonly Place[] = ["page", "worker"];
const modelUrl = (name: string) => `/${name}.onnx`;

describe.skipIf(CHROMIUM === undefined)(`in Chromium${NEEDS_CHROMIUM}`, () => {
  let page: OpenPage;
  beforeAll(async () => {
    page = await openPage(
      CHROMIUM!,
      new Map(Object.entries(SMALL_MODELS).map(([name, bytes]) => [modelUrl(name), bytes])),
    );
  });
  afterAll(() => page?.close());

  describe.each(PLACES)("in a %s", (place) => {
    it("is isolated and has a WebGPU adapter: what the other tests stand on", async () => {
      const platform = await page.run(place, "platform", {});
      expect(platform).toEqual({ page: place === "page", isolated: true, gpu: "swiftshader" });
    });

    it("@nearfree/core gives what it gives in Node", async () => {
      const options = { profile: sampleProfile() };
      const expected = await coreScenario(options);
      expect(expected.aborted).toMatchObject({ code: "aborted", tokens: { length: 3 } });
      expect(expected.byDefaultClock.timed).toBe(true);
      for (const { tokens } of expected.scheduled) expect(tokens).toEqual(expected.plain.tokens);
      expect(await page.run(place, "core", options)).toEqual(JSON.parse(JSON.stringify(expected)));
    });
  });

  it.each<[Place, SessionOptions["executionProvider"], string, string, Partial<SessionOptions>]>([
    ["page", "wasm", "fp32", "", {}],
    ["page", "wasm", "decomposed", ", two threads", { threads: 2 }],
    ["worker", "wasm", "int4", "", {}],
    ["worker", "webgpu", "int4", "", {}],
    ["page", "webgpu", "decomposed", ", KV cache on the GPU", { gpuOutputs: PRESENTS }],
  ])(
    "in a %s, onnxruntime-web on %s calibrates %s%s, and decodes as the plain loop does",
    async (place, executionProvider, model, _how, more) => {
      const session = { executionProvider, modelUrl: modelUrl(model), contextLimit: CONTEXT_LIMIT, ...more };
      const options = executionProvider === "webgpu" ? WEBGPU_EXERCISE : EXERCISE;
      const exercise = await page.run(place, "session", { ...session, ...options });
      expectAlike(exercise, options);
      expect(exercise.kvCache).toBe("growing");
    },
    180_000,
  );
});
