import type { Probe } from "@nearfree/core";
import { createModelProbe } from "../runner-probe.ts";
import { CALIBRATION_TEXT } from "./calibration-text.ts";
import type { OpenModel } from "./open-model.ts";

/** Most positions that a forward is measured with, unless the context leaves room for fewer. */
const MOST_POSITIONS = 64;

/** The whole model as a probe: real text, `contextLength` positions in the KV cache before every forward. */
export function createCalibrationProbe(model: OpenModel, contextLength: number): Probe {
  const tokens = calibrationTokens(model, contextLength + MOST_POSITIONS);
  return createModelProbe(model.runner, { tokens, contextLength });
}

/** Real text in the model's tokens, as often as needed. Without a tokenizer: ids spread over the vocabulary. */
function calibrationTokens({ codec, runner }: OpenModel, count: number): Int32Array {
  const { vocabularySize } = runner.describe();
  const text = codec?.encode(CALIBRATION_TEXT).filter((token) => token < vocabularySize) ?? [];
  return Int32Array.from({ length: count }, (_, i) => text[i % text.length] ?? (i * 2_654_435_761) % vocabularySize);
}
