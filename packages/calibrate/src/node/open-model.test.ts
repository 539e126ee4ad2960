import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createScheduler, decodeAll } from "@nearfree/core";
import type { Model } from "@nearfree/ort-adapter/onnx";
import { afterAll, describe, expect, it } from "vitest";
import { prunedDecoder, testDecoder, writeModelFolder } from "../testing/model-folder.ts";
import { openModel } from "./open-model.ts";

const EXPORTS = fileURLToPath(new URL("../../../ort-adapter/fixtures/exports/", import.meta.url));
const root = mkdtempSync(join(tmpdir(), "nearfree-open-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe("openModel", () => {
  it.each([
    ["mistral-oga-fp32", "in-place", Number.POSITIVE_INFINITY],
    ["mistral-ts-fp32win", "growing", 31],
    ["phi3long-oga-fp32", "in-place", Number.POSITIVE_INFINITY],
    ["falcon-ts-q8", "growing", 1],
  ] as const)("opens %s by what its folder says, and decodes its golden tokens", async (name, kvCache, rowsAtOnce) => {
    const warnings: string[] = [];
    const model = await openModel(`${EXPORTS}${name}`, {
      threads: 1,
      kvCache: "original",
      onWarning: (line) => warnings.push(line),
    });
    const { prompts, tokens } = JSON.parse(readFileSync(`${EXPORTS}${name}/golden.json`, "utf8"));
    expect(model.runner.describe()).toMatchObject({ kvCache, rowsAtOnce });
    const said = warnings.filter((line) => line.includes("one position at a time"));
    expect(said).toHaveLength(rowsAtOnce === 1 ? 1 : 0);
    for (const [i, prompt] of prompts.entries()) {
      const { runner } = model;
      const decoded = await decodeAll({ runner, scheduler: createScheduler(), prompt, maxNewTokens: tokens[i].length });
      expect(decoded.tokens).toEqual(tokens[i]);
    }
    await model.release();
  });

  const recurrent = (): Model => {
    const model = testDecoder();
    const state = { name: "past_conv.0", type: "float32", shape: ["batch_size", 64, 3] } as const;
    return { ...model, graph: { ...model.graph, inputs: [...model.graph.inputs, state] } };
  };
  it.each([
    ["a pruned head", prunedDecoder, /a row for every position.*a row for the last position only/],
    ["state that does not rewind", recurrent, /KV cache that rewinds by length.*state \(past_conv\.0\); use a model/],
  ])("refuses %s in one line, before its weights are read", async (name, build, message) => {
    const folder = await writeModelFolder(join(root, name), build());
    await expect(openModel(folder)).rejects.toMatchObject({
      code: "unsupported-model",
      message: expect.stringMatching(message),
    });
  });
});
