import { invalidModel } from "../invalid-model.ts";
import type { ModelFiles } from "./byte-source.ts";

/** Files that people often have in place of a model, told by their first bytes. */
const OTHER_FORMATS: readonly (readonly [RegExp, string])[] = [
  [/^\s*<(!doctype|html|\?xml)/i, "a web page"],
  [/^version https:\/\/git-lfs/, "a Git LFS pointer"],
  [/^\s*[{[]\s*["{[\]}]/, "JSON"],
  [/^PK/, "a zip archive"],
  [/^.{4}TFL3/s, "a TensorFlow Lite model"],
  [/^.{4}ORTM/s, "a model in ORT format"],
  [/^.{8}\{"/s, "safetensors"],
  [/^GGUF/, "a GGUF model"],
];

/** @throws NearfreeError `invalid-model` for a file that its first bytes show to be something else than ONNX. */
export function refuseOtherFormats({ model }: ModelFiles): void {
  const head = new TextDecoder("latin1").decode(model.read(0, 256));
  const other = OTHER_FORMATS.find(([pattern]) => pattern.test(head))?.[1];
  const received = model.byteLength === 0 ? "an empty file" : other;
  if (received !== undefined) throw invalidModel(model.name, { expected: "an ONNX model", received });
}
