import type { Cell } from "@nearfree/core";
import type { Probe } from "@nearfree/core/measure";
import { createBatchProbe, type RowTraits } from "@nearfree/ort-adapter";
import { rowConfig, summarizeFile } from "@nearfree/ort-adapter/node";
import { createModelProbe } from "../measure/runner-probe.ts";
import { loadRuntime } from "./load-runtime.ts";
import { createSession, type OpenModel } from "./open-model.ts";
import { CALIBRATION_TEXT } from "./text/calibration-text.ts";

/** Most positions that a forward is measured with, unless the context leaves room for fewer. */
const MOST_POSITIONS = 64;

/** A model as a probe, and what was opened for it. */
export interface CalibrationProbe {
  readonly probe: Probe;
  /** Of the graph that the probe runs. */
  readonly traits: RowTraits;
  /** Leaves the model's runner empty. */
  release(): Promise<void>;
}

/**
 * The whole model as a probe of one cell: real text, `contextLength` positions in the KV cache of each sequence before every forward.
 * One sequence runs through the runner, several side by side on a session of the model's own graph.
 *
 * @throws NearfreeError `context-exceeded`; `unsupported-model` where the model's attention carries one sequence only.
 */
export async function createCalibrationProbe(
  model: OpenModel,
  { contextLength, batch }: Cell,
): Promise<CalibrationProbe> {
  const tokens = calibrationTokens(model, batch * (contextLength + MOST_POSITIONS));
  const release = async () => model.runner.rewind(0);
  if (batch === 1) {
    return { probe: createModelProbe(model.runner, { tokens, contextLength }), traits: model.traits, release };
  }
  const { contextLimit } = model.runner.describe();
  const { Tensor } = await loadRuntime();
  const { ioNames, kvSizes } = model.folder;
  const named = { ...(ioNames && { ioNames }), kvSizes };
  const options = { Tensor, tokens, contextLength, batch, contextLimit, ...named };
  if (model.form.form === "original") {
    return { probe: await createBatchProbe(model.session, options), traits: model.traits, release };
  }
  const session = await createSession(model.folder.modelPath, model.sessionOptions);
  try {
    const { traits } = summarizeFile(model.folder.modelPath, rowConfig(model.folder));
    const probe = await createBatchProbe(session, options);
    return { probe, traits, release: () => session.release() };
  } catch (error) {
    await session.release();
    throw error;
  }
}

/** Real text in the model's tokens, as often as needed. Without a tokenizer: ids spread over the vocabulary. */
export function calibrationTokens({ codec, runner }: OpenModel, count: number): Int32Array {
  const { vocabularySize } = runner.describe();
  const text = codec?.encode(CALIBRATION_TEXT).filter((token) => token < vocabularySize) ?? [];
  return Int32Array.from({ length: count }, (_, i) => text[i % text.length] ?? (i * 2_654_435_761) % vocabularySize);
}
