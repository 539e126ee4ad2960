import { NearfreeError } from "@nearfree/core";
import type { KvSizes } from "../../onnx/graph/classify-io.ts";
import { summarizeModel } from "../../onnx/graph/summarize.ts";
import type { Model } from "../../onnx/model.ts";
import type { ModelFiles } from "../../onnx/read/byte-source.ts";
import { cacheNames } from "../cache-names.ts";
import { isOwnInput } from "../lean-inputs.ts";
import { rewriteDecoder } from "../rewrite-decoder.ts";
import type { GraphStep, StepOutcome } from "./optimize-step.ts";
import { setAccuracyLevel } from "./set-accuracy-level.ts";
import { unpruneHead } from "./unprune-head.ts";

/** A model after its steps, and what each of them did. */
export interface AppliedSteps {
  readonly model: Model;
  readonly outcomes: readonly StepOutcome[];
}

/** What a step did, and the model that it left. */
type Applied = Omit<StepOutcome, "step"> & { readonly model: Model };

/**
 * Applies `steps` one after another to the graph of a model that was read from `files`; weights are not touched.
 * @throws NearfreeError `unsupported-model` for a pruned head whose graph does not show how to give every row again.
 */
export function applySteps(
  model: Model,
  files: ModelFiles,
  steps: readonly GraphStep[],
  sizes: KvSizes | undefined,
): AppliedSteps {
  let current = model;
  const outcomes: StepOutcome[] = [];
  for (const step of steps) {
    const { model: next, changed, detail } = apply(current, files, step, sizes);
    current = next;
    outcomes.push({ step: step.step, changed, detail });
  }
  return { model: current, outcomes };
}

function apply(model: Model, files: ModelFiles, step: GraphStep, sizes: KvSizes | undefined): Applied {
  switch (step.step) {
    case "unprune-head":
      return unprune(model, files);
    case "form":
      return applyForm(model, step.form, sizes);
    case "accuracy-level": {
      const { changed, nodes, before, model: edited } = setAccuracyLevel(model, step.level);
      if (nodes === 0) return { model, changed: false, detail: "no MatMulNBits node: nothing has an accuracy level" };
      if (changed === 0) return { model, changed: false, detail: `all ${nodes} MatMulNBits nodes have it already` };
      const detail = `${changed} of ${nodes} MatMulNBits nodes, before at ${before.join(" and ")}`;
      return { model: edited, changed: true, detail };
    }
    case "one-token":
      return { model: withOneToken(model), changed: true, detail: "one token a run" };
  }
}

function unprune(model: Model, files: ModelFiles): Applied {
  if (summarizeModel(model, files).logitsRows === "every") {
    return { model, changed: false, detail: "every row has its logits already" };
  }
  const unpruned = unpruneHead(model);
  if ("model" in unpruned) return { ...unpruned, changed: true, detail: "the head gives logits of every row" };
  throw new NearfreeError({
    code: "unsupported-model",
    from: "ort-adapter",
    what: `head of ${files.model.name}`,
    expected: "a graph that shows how it picks the last position",
    received: unpruned.reason,
    remedy: "export the model again with a full head (prune_lm_head = false)",
  });
}

function applyForm(model: Model, most: "lean" | "rows", sizes: KvSizes | undefined): Applied {
  const rewritten = model.graph.inputs.some(({ name }) => isOwnInput(name));
  if (rewritten) return { model, changed: false, detail: "the graph is a rewritten one already" };
  const cache = cacheNames(model, sizes);
  if (typeof cache === "string") return { model, changed: false, detail: cache };
  const rewrite = rewriteDecoder(model, cache, { most });
  if (rewrite.form === "none") return { model, changed: false, detail: rewrite.reason };
  const words =
    rewrite.form === "lean"
      ? "attention reads its cache once and returns new rows alone"
      : "attention returns new rows of its cache alone";
  const scales = rewrite.rowScales ? "; activations have a scale for each row" : "";
  return { model: rewrite.model, changed: true, detail: `${rewrite.form}: ${words}${scales}` };
}

function withOneToken(model: Model): Model {
  const inputs = model.graph.inputs.map((value) =>
    value.name === "input_ids" ? { ...value, shape: [value.shape?.[0], 1] } : value,
  );
  return { ...model, graph: { ...model.graph, inputs } };
}
