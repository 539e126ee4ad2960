import type { Mechanism, ModulePrediction, PredictedBoundary, Prediction } from "@nearfree/core/principle";

/** Why the next position is not near-free, in plain words. */
const MECHANISM_TEXT: Readonly<Record<Mechanism, string>> = {
  "bandwidth-slack": "arithmetic has caught up with reading the weights",
  "granularity-slack": "the kernel computes whole tiles, and a new one begins",
  "expert-activation": "more positions wake more experts, whose weights must be read",
  "kv-traffic": "every position works through the whole KV cache",
  "constant-cost": "element-wise nodes, copies and dispatch cost more with every position",
};

/** The same where there is no room for a sentence. */
export const mechanismName = (mechanism: Mechanism): string => mechanism.replace("-", " ");

const KIND_TEXT: Readonly<Record<ModulePrediction["kind"], string>> = {
  "dense-ffn": "the dense products",
  "moe-ffn": "the experts",
  attention: "attention",
  head: "the head",
  other: "the nodes without weights",
  host: "the way to JavaScript and back",
};

/** Positions of a boundary; with a sign where the end was not reached. */
export const boundaryText = ({ prefixFree, limit }: PredictedBoundary): string =>
  limit === undefined ? `${prefixFree}+` : `${prefixFree}`;

/** The idle-compute baseline; none where a module computes nothing that counts. */
export const idleText = (positions: number): string => (Number.isFinite(positions) ? `${positions}` : "-");

/** Idle compute over the prediction, `2.5x`. */
export function overPredictionText({ prefixFree }: PredictedBoundary, idleCompute: number): string {
  return Number.isFinite(idleCompute) ? `${(idleCompute / prefixFree).toFixed(1)}x` : "-";
}

/** What limits the model on the device, in one sentence. */
export function limitSentence({ boundaries, modules, maxPositions }: Prediction, epsilon: number): string {
  const boundary = boundaries.find((each) => each.epsilon === epsilon) ?? boundaries[0];
  if (boundary === undefined) return "Nothing was asked for.";
  const { limit, prefixFree } = boundary;
  if (limit === undefined) return `By prediction nothing limits this model here up to ${maxPositions} positions.`;
  const module = modules.find(({ name }) => name === limit.module);
  const share = module === undefined ? 0 : module.costMs[0]! / modules.reduce((sum, each) => sum + each.costMs[0]!, 0);
  const what = module === undefined ? limit.module : `${KIND_TEXT[module.kind]}${kernelText(module)}`;
  const free =
    prefixFree === 1 ? "no second position is near-free" : `${prefixFree} positions are near-free and the next is not`;
  const part = share > 0 ? ` (${Math.round(share * 100)}% of a forward)` : "";
  return `By prediction ${free}: what limits this model here is ${what}${part}, where ${MECHANISM_TEXT[limit.mechanism]}.`;
}

function kernelText({ kernel }: ModulePrediction): string {
  if (kernel === undefined) return "";
  const { operator, weight, activation, cache } = kernel;
  return `, ${operator} in ${weight ?? activation}${cache === undefined ? "" : `, rewritten as ${cache}`}`;
}
