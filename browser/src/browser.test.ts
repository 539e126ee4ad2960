import { sampleProfile } from "@nearfree/core/test";
import { buildDecoder, randomWeights } from "@nearfree/ort-adapter";
import { encodeModelToBytes } from "@nearfree/ort-adapter/onnx";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CHROMIUM, NEEDS_CHROMIUM } from "./chromium.ts";
import { type OpenPage, openPage, type Place } from "./open-page.ts";
import { coreScenario } from "./page/core-scenario.ts";
import type { SessionOptions } from "./page/session-scenario.ts";

const SHAPE = {
  vocabularySize: 64,
  hiddenSize: 64,
  intermediateSize: 128,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headDim: 16,
  contextLimit: 256,
  ropeTheta: 10_000,
  rmsNormEpsilon: 1e-5,
  tiedHead: true,
};
const PRESENTS = [0, 1].flatMap((layer) => [`present.${layer}.key`, `present.${layer}.value`]);
const MAX_POSITIONS = 12;
const NEW_TOKENS = 32;
const TOKENS = Array.from({ length: 48 }, (_, i) => (i * i * 3 + i) % 16);
const PLACES: readonly Place[] = ["page", "worker"];

const decoder = (quantisation: "fp32" | "int4", attention: "gqa" | "decomposed") =>
  encodeModelToBytes(buildDecoder({ shape: SHAPE, attention, quantisation }, randomWeights(1)));

const MODELS = new Map([
  ["/fp32.onnx", decoder("fp32", "gqa")],
  ["/int4.onnx", decoder("int4", "gqa")],
  ["/decomposed.onnx", decoder("fp32", "decomposed")],
]);

describe.skipIf(CHROMIUM === undefined)(`in Chromium${NEEDS_CHROMIUM}`, () => {
  let page: OpenPage;
  beforeAll(async () => {
    page = await openPage(CHROMIUM!, MODELS);
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

  it.each<[Place, "wasm" | "webgpu", string, Partial<SessionOptions>]>([
    ["page", "wasm", "/fp32.onnx", {}],
    ["page", "wasm", "/decomposed.onnx", { threads: 2 }],
    ["worker", "wasm", "/int4.onnx", {}],
    ["page", "webgpu", "/fp32.onnx", {}],
    ["worker", "webgpu", "/int4.onnx", {}],
    ["page", "webgpu", "/decomposed.onnx", {}],
    ["page", "webgpu", "/fp32.onnx", { gpuOutputs: PRESENTS }],
  ])(
    "in a %s, onnxruntime-web on %s calibrates %s and decodes as the plain loop does",
    async (place, executionProvider, modelUrl, more) => {
      const { contextLimit, vocabularySize } = SHAPE;
      const start = performance.now();
      const result = await page.run(place, "session", {
        executionProvider,
        modelUrl,
        contextLimit,
        tokens: TOKENS,
        maxPositions: MAX_POSITIONS,
        newTokens: NEW_TOKENS,
        ...more,
      });
      console.log(place, executionProvider, modelUrl, performance.now() - start, JSON.stringify(result));
      expect(result).toMatchObject({ vocabularySize, kvCache: "growing", plain: { length: NEW_TOKENS } });
      const { invariance, plain, decodes, profile } = result;
      // fp32 rounding apart, a row has one value; every n is in one class.
      expect(invariance.classes.flat().sort((a, b) => a - b)).toEqual(
        Array.from({ length: MAX_POSITIONS }, (_, i) => i + 1),
      );
      expect(invariance.maxDifference).toBeLessThan(1e-4);
      expect(decodes.measured.tokens).toEqual(plain);
      expect(decodes.cheap.tokens).toEqual(plain);
      expect(decodes.cheap.forwards).toBeLessThan(NEW_TOKENS);
      expect(decodes.bitwise.tokens).toEqual(decodes.bitwisePlain.tokens);
      expect(profile.points[0]).toMatchObject({ positions: 1, ratio: 1 });
    },
    180_000,
  );
});
