import type { Cell } from "@nearfree/core";
import type { Probe } from "@nearfree/core/measure";
import { createBatchProbe } from "@nearfree/ort-adapter";
import { createModelProbe } from "../measure/runner-probe.ts";
import { loadRuntime } from "./load-runtime.ts";
import type { OpenModel } from "./open-model.ts";
import { CALIBRATION_TEXT } from "./text/calibration-text.ts";

/** Most positions that a forward is measured with, unless the context leaves room for fewer. */
const MOST_POSITIONS = 64;

/**
 * The whole model as a probe of one cell: real text, `contextLength` positions in the KV cache of each sequence before every forward.
 * One sequence runs through the runner, several side by side on the session.
 *
 * @throws NearfreeError `context-exceeded`; `unsupported-model` where the model's attention carries one sequence only.
 */
export async function createCalibrationProbe(model: OpenModel, { contextLength, batch }: Cell): Promise<Probe> {
  const tokens = calibrationTokens(model, batch * (contextLength + MOST_POSITIONS));
  if (batch === 1) return createModelProbe(model.runner, { tokens, contextLength });
  const { contextLimit } = model.runner.describe();
  const { Tensor } = await loadRuntime();
  const { ioNames, kvSizes } = model.folder;
  const named = { ...(ioNames && { ioNames }), kvSizes };
  return createBatchProbe(model.session, { Tensor, tokens, contextLength, batch, contextLimit, ...named });
}

/** Real text in the model's tokens, as often as needed. Without a tokenizer: ids spread over the vocabulary. */
export function calibrationTokens({ codec, runner }: OpenModel, count: number): Int32Array {
  const { vocabularySize } = runner.describe();
  const text = codec?.encode(CALIBRATION_TEXT).filter((token) => token < vocabularySize) ?? [];
  return Int32Array.from({ length: count }, (_, i) => text[i % text.length] ?? (i * 2_654_435_761) % vocabularySize);
}
