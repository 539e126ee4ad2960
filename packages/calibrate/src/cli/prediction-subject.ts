import { NearfreeError } from "@nearfree/core";
import { modelLabel } from "@nearfree/ort-adapter/node";
import { defaultStore } from "../node/default-store.ts";
import { type ExaminedModel, examineModel } from "../node/examine-model.ts";
import { knownForm } from "../node/form/choose-form.ts";
import { knownRouting } from "../node/known-routing.ts";
import { profileKey } from "../node/load-or-calibrate.ts";
import type { CommandContext } from "./command-context.ts";
import { type ModelOptions, openOptions } from "./shared-options.ts";
import { findSignature } from "./signature-source.ts";

export interface PredictOptions extends ModelOptions {
  readonly context?: number;
  readonly maxPositions?: number;
  readonly device?: string;
}

/**
 * What a command predicts of the model at `path`, and with what: nothing is run, and no runtime is needed.
 * @throws NearfreeError `context-exceeded`, and as `examineModel` and `findSignature` do
 */
export async function predictionSubject(output: CommandContext["output"], path: string, options: PredictOptions) {
  const onWarning = (message: string) => output.log.warn(message);
  const model = await examineModel(path, { ...openOptions(options, onWarning), withoutRuntime: true });
  const form = await knownForm(model, options);
  const { cell, model: hash } = profileKey({ ...model, form: { form } }, checkedContext(model, options.context));
  const named = { label: modelLabel(model.folder), model: hash };
  const source = await findSignature({ ...model, form }, options.device, options.cache);
  const uniqueExperts = await knownRouting(model.summary, defaultStore({ root: options.cache, onWarning }));
  return { cell, named, source, uniqueExperts };
}

/** @throws NearfreeError `context-exceeded` */
function checkedContext({ contextLimit }: ExaminedModel, context: number | undefined): number | undefined {
  if (context === undefined || context < contextLimit) return context;
  throw new NearfreeError({
    code: "context-exceeded",
    from: "calibrate",
    what: "context",
    expected: `at most ${contextLimit - 1} positions in the cache`,
    received: String(context),
    remedy: "pass a smaller --context",
  });
}
