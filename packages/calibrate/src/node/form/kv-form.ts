import type { Environment, Profile } from "@nearfree/core";
import type { RewrittenForm } from "@nearfree/core/principle";
import { REWRITE_VERSION, type RunnerDifference } from "@nearfree/ort-adapter";
import type { ExaminedModel } from "../examine-model.ts";
import { type FormSpeed, meanSpeed } from "./time-forms.ts";

/** Which graph runs, and why. */
export interface KvForm {
  /** `original`: the model's own graph. Else a rewrite of it, see docs/attention.md. */
  readonly form: "original" | RewrittenForm;
  /** In words. */
  readonly reason: string;
  /** How its logits differ from the original's, where both were run. */
  readonly difference?: RunnerDifference;
  /** How its time compares with the original's, where that was measured. */
  readonly speeds?: readonly FormSpeed[];
}

/** `environment` as the profiles of a form have it: its kernels, and what they cost, are others. */
export function environmentOf(environment: Environment, form: KvForm["form"]): Environment {
  if (form === "original") return environment;
  return { ...environment, options: { ...environment.options, kvCache: form, rewrite: REWRITE_VERSION } };
}

/** The environment that `environmentOf` was given, and the form. */
export function formOf(environment: Environment): Pick<KvForm, "form"> & { readonly environment: Environment } {
  const { kvCache, rewrite: _, ...options } = environment.options;
  if (kvCache !== "rows" && kvCache !== "lean") return { environment, form: "original" };
  return { environment: { ...environment, options }, form: kvCache };
}

/**
 * Lengths of the cache at which forms are timed: a chat, a file, a long text. The middle one first, in case time runs out, and shorter
 * where the model's context is.
 */
const CONTEXTS = [1024, 128, 4032];
/** Positions beyond a context that its timing takes. */
const ROOM = 8;
/** No cache is filled beyond this for a timing. */
const MOST_CACHE_BYTES = 256e6;
/** A cache smaller than this, or than this share of the weights, costs too little for a rewrite to show. */
const LEAST_BYTES = 1e6;
const LEAST_SHARE = 0.05;

/**
 * The rewrite that is worth trying for a model, or why none is. `lean` is the fastest, and rounds attention otherwise, by 1e-6 of a row.
 * Where kernels turn activations into a few bits that can become a step of theirs, and another token in one text of twenty: there
 * `rows`, which changes no bit.
 */
export function formWorthTrying({
  traits,
  summary,
  contextLimit,
}: Pick<ExaminedModel, "traits" | "summary" | "contextLimit">): RewrittenForm | { readonly reason: string } {
  if (traits.dependence !== undefined) return "rows";
  const form = traits.coarse === undefined ? "lean" : "rows";
  const length = Math.min(contextLimit / 2, CONTEXTS.at(-1)!);
  const bytes = summary.kvBytesPerPosition * length;
  if (bytes >= LEAST_BYTES && bytes >= LEAST_SHARE * summary.weightBytes) return form;
  const [cache, weights] = [bytes, summary.weightBytes].map((size) => (size / 1e6).toFixed(1));
  return {
    reason: `its cache is small: ${cache} MB at ${Math.floor(length)} positions, beside ${weights} MB of weights`,
  };
}

/** Where the forms of a model are timed; never empty. */
export function contextsToTime({ summary, contextLimit }: Pick<ExaminedModel, "summary" | "contextLimit">): number[] {
  const fits = (context: number) =>
    context + ROOM <= contextLimit && context * summary.kvBytesPerPosition <= MOST_CACHE_BYTES;
  const [middle, ...others] = CONTEXTS as [number, ...number[]];
  const contexts = [Math.min(middle, contextLimit - ROOM), ...others].filter(fits);
  return contexts.length > 0 ? [...new Set(contexts)] : [Math.max(1, Math.min(others[0]!, contextLimit - ROOM))];
}

/** What a profile says of the form that it was measured in; nothing of the original. */
export function rewriteFacts({ form, difference, speeds }: KvForm): Pick<Profile, "rewrite"> {
  if (form === "original" || difference === undefined) return {};
  const { rows, flips, largestError } = difference;
  return { rewrite: { rows, flips, largestError, ...(speeds !== undefined && { speed: meanSpeed(speeds) }) } };
}

/** `2.1 times as fast at 4032 positions, 1.0 at 128` */
export function speedText(speeds: readonly FormSpeed[]): string {
  const contexts = [...new Set(speeds.map(({ context }) => context))].sort((a, b) => b - a);
  const parts = contexts.map((context, i) => {
    const ratio = meanSpeed(speeds.filter((speed) => speed.context === context)).toFixed(2);
    return i === 0 ? `${ratio} times as fast at ${context} positions` : `${ratio} at ${context}`;
  });
  return parts.join(", ");
}
