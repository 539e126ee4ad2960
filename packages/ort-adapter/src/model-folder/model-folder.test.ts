import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { NearfreeError } from "@nearfree/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { resolveModelFolder } from "./model-folder.ts";

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "nearfree-folder-"));
});
afterEach(() => rmSync(root, { recursive: true }));

function write(files: Record<string, unknown>): void {
  for (const [name, content] of Object.entries(files)) {
    const path = join(root, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  }
}

async function errorOf(path: string): Promise<NearfreeError> {
  const error = await resolveModelFolder(path).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(NearfreeError);
  expect((error as NearfreeError).message).not.toContain("\n");
  return error as NearfreeError;
}

const CONFIG = { max_position_embeddings: 512, eos_token_id: 7 };

describe("the layout of transformers.js", () => {
  it("prefers onnx/model.onnx, and reads the files beside it", async () => {
    write({
      "onnx/model.onnx": "",
      "onnx/model_q4.onnx": "",
      "config.json": CONFIG,
      "generation_config.json": { eos_token_id: [1, 2] },
      "tokenizer.json": {},
    });
    expect(await resolveModelFolder(root)).toEqual({
      modelPath: join(root, "onnx", "model.onnx"),
      folder: root,
      config: CONFIG,
      tokenizerPath: join(root, "tokenizer.json"),
      contextLimit: 512,
      eosTokenIds: [1, 2, 7],
      endOfText: [
        { file: "generation_config.json", ids: [1, 2] },
        { file: "config.json", ids: [7] },
      ],
      notGreedy: [],
    });
  });

  it("takes the only file there is, and lists the choices where there are several", async () => {
    write({ "onnx/model_q4.onnx": "", "config.json": CONFIG });
    expect((await resolveModelFolder(root)).modelPath).toBe(join(root, "onnx", "model_q4.onnx"));
    write({ "onnx/model_fp16.onnx": "" });
    const error = await errorOf(root);
    expect(error.code).toBe("invalid-argument");
    expect(error.message).toContain("received model_fp16.onnx, model_q4.onnx; give the path of one of them");
  });

  it("finds the folder around a file given by itself", async () => {
    write({ "onnx/model_q4.onnx": "", "config.json": CONFIG });
    expect(await resolveModelFolder(join(root, "onnx", "model_q4.onnx"))).toMatchObject({
      folder: root,
      contextLimit: 512,
      eosTokenIds: [7],
    });
  });
});

describe("other layouts", () => {
  it("optimum: model.onnx at the root", async () => {
    write({ "model.onnx": "", "config.json": { text_config: { n_positions: 128, eos_token_id: 3 } } });
    expect(await resolveModelFolder(root)).toMatchObject({
      modelPath: join(root, "model.onnx"),
      contextLimit: 128,
      eosTokenIds: [3],
      tokenizerPath: undefined,
    });
  });

  it("genai: genai_config.json names file, inputs and outputs", async () => {
    write({
      "decoder.onnx": "",
      "genai_config.json": {
        model: {
          context_length: 4096,
          eos_token_id: [32000, 32007],
          decoder: {
            filename: "decoder.onnx",
            head_size: 96,
            num_key_value_heads: 8,
            inputs: { input_ids: "input_ids", past_key_names: "past.%d.k" },
            outputs: { logits: "logits", present_value_names: "now.%d.v" },
          },
        },
      },
    });
    const expected = {
      modelPath: join(root, "decoder.onnx"),
      contextLimit: 4096,
      kvSizes: { heads: 8, headDim: 96 },
      eosTokenIds: [32000, 32007],
      ioNames: { tokens: "input_ids", pastKey: "past.%d.k", logits: "logits", presentValue: "now.%d.v" },
    };
    expect(await resolveModelFolder(root)).toMatchObject(expected);
    expect(await resolveModelFolder(join(root, "decoder.onnx"))).toMatchObject(expected);
  });

  it("without configuration: nothing is guessed", async () => {
    write({ "model.onnx": "" });
    expect(await resolveModelFolder(join(root, "model.onnx"))).toEqual({
      modelPath: join(root, "model.onnx"),
      folder: root,
      config: undefined,
      tokenizerPath: undefined,
      contextLimit: undefined,
      eosTokenIds: [],
      endOfText: [],
      notGreedy: [],
    });
  });
});

describe("resolveModelFolder refuses", () => {
  it("a path that is not there", async () => {
    expect((await errorOf(join(root, "nowhere"))).code).toBe("missing-file");
  });

  it("a folder without a model", async () => {
    write({ "config.json": CONFIG, "onnx/readme.txt": "" });
    const error = await errorOf(root);
    expect(error.code).toBe("missing-file");
    expect(error.message).toContain("onnx/model.onnx, model.onnx or genai_config.json");
  });

  it("a file of another kind", async () => {
    write({ "model.gguf": "" });
    expect((await errorOf(join(root, "model.gguf"))).code).toBe("invalid-argument");
  });

  it("configuration that is no JSON object", async () => {
    write({ "model.onnx": "", "config.json": "{" });
    expect((await errorOf(root)).code).toBe("invalid-model");
    write({ "config.json": "[]" });
    expect((await errorOf(root)).message).toContain("config.json: expected a JSON object, received an array");
  });

  it("a genai_config.json whose file is missing or outside", async () => {
    write({ "genai_config.json": { model: { decoder: { filename: "gone.onnx" } } } });
    expect((await errorOf(root)).code).toBe("missing-file");
    write({ "genai_config.json": { model: { decoder: { filename: "../other/model.onnx" } } } });
    expect((await errorOf(root)).code).toBe("invalid-model");
  });
});

it.skipIf(process.platform === "win32")("says why what is there cannot be read, not that it is not there", async () => {
  symlinkSync(join(root, "loop.onnx"), join(root, "loop.onnx"));
  const error = await errorOf(join(root, "loop.onnx"));
  expect(error).toMatchObject({
    code: "missing-file",
    message: expect.stringMatching(/loop\.onnx: .*received ELOOP;/),
  });
});
