import fc from "fast-check";
import { expect, it } from "vitest";
import { modelLabel } from "./model-label.ts";

const config = (name?: string) => ({ model_type: "llama", ...(name !== undefined && { _name_or_path: name }) });

it.each([
  ["the folder's name", "/m/tiny-ts", "onnx/model.onnx", config(), "tiny-ts"],
  ["the folder's name before what the config says", "/m/tiny-ts", "model.onnx", config("a/b"), "tiny-ts"],
  ["what the file's name adds", "/m/Llama-3.2-1B", "onnx/model_q4.onnx", config(), "Llama-3.2-1B-q4"],
  ["nothing twice", "/m/llama-q4", "onnx/model_q4.onnx", config(), "llama-q4"],
  ["nothing of a merged decoder", "/m/gpt2", "onnx/decoder_model_merged.onnx", config(), "gpt2"],
  ["the config's name where the folder has none", "/m/onnx", "model.onnx", config("org/Qwen2.5-0.5B"), "Qwen2.5-0.5B"],
  ["no path of the exporter's machine", "/m/fp32", "model.onnx", config("C:\\Users\\me\\phi-3\\"), "phi-3"],
  ["the folder above a nameless one", "/m/phi-3-mini/cpu", "model.onnx", config(), "phi-3-mini"],
  [
    "the hub's name of a snapshot",
    "/h/models--org--gemma-2b/snapshots/0123456789abcdef0123",
    "onnx/model.onnx",
    config(),
    "gemma-2b",
  ],
  ["the folder's name without a hash", "/c/tiny-ts-fp32-8be478677d24", "onnx/model.onnx", config(), "tiny-ts-fp32"],
  ["the file's stem where there is no config", "/downloads", "smollm.onnx", undefined, "smollm"],
  ["the folder's name of model.onnx without a config", "/m/tiny", "model.onnx", undefined, "tiny"],
  ["nothing where nothing has a name", "/models/onnx", "model.onnx", undefined, undefined],
] as const)("is %s", (_what, folder, file, its, label) => {
  expect(modelLabel({ folder, modelPath: `${folder}/${file}`, config: its })).toBe(label);
});

it("is one short line without a path, whatever the names", () => {
  const name = fc.string({ unit: "binary", maxLength: 200 });
  const part = name.map((text) => text.replace(/[/\0]/g, ""));
  fc.assert(
    fc.property(part, part, fc.option(name, { nil: undefined }), (folder, file, path) => {
      const label = modelLabel({
        folder: `/m/${folder}`,
        modelPath: `/m/${folder}/${file}.onnx`,
        config: config(path),
      });
      if (label === undefined) return;
      expect(label).toMatch(/^[^\p{Cc}/\\]{1,80}$/u);
      expect(label.trim()).toBe(label);
    }),
  );
});
