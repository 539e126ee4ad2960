import { createDraft } from "../contracts/drafter.ts";
import type { Plan } from "../contracts/plan.ts";
import type { Scheduler } from "../contracts/scheduler.ts";
import { SHADOW_DEPTH, Shadow } from "../decode/draft/shadow.ts";

/** A text by what a draft made at each of its places would get right: each of its tokens alike, or none. */
export interface ScriptedText {
  /** guessed[t] = 1 where drafts know token t. */
  readonly guessed: Uint8Array;
  readonly confidence: number;
}

/** @param acceptance probability that a draft knows a token. Every draft says `confidence` of every token. */
export function createScriptedText(
  acceptance: number | ((place: number) => number),
  length: number,
  random: () => number,
  confidence = 0.75,
): ScriptedText {
  const at = typeof acceptance === "number" ? () => acceptance : acceptance;
  return { guessed: Uint8Array.from({ length }, (_, t) => (random() < at(t) ? 1 : 0)), confidence };
}

export interface ScriptedMachine {
  /** ms of a forward of `rows` rows, `step` forwards after the first. */
  readonly costMs: (rows: number, step: number) => number;
  /** Log of the factor by which the next timing is off: seen by the scheduler, not counted. Default 0. */
  readonly noise?: (() => number) | undefined;
}

/** One step of a walk; `ms` is what it costs on average, `plan` is reused. */
export interface ScriptedStep {
  readonly step: number;
  readonly plan: Plan;
  readonly emitted: number;
  readonly ms: number;
}

/** Decodes `text` step after step, as a decode loop with shadow feedback does, until it ends or `steps` are done. */
export function walkText(
  scheduler: Scheduler,
  text: ScriptedText,
  { costMs, noise = () => 0 }: ScriptedMachine,
  steps: number,
  onStep: (step: ScriptedStep) => void,
): void {
  const { guessed } = text;
  const depth = Math.min(SHADOW_DEPTH, Math.max(1, scheduler.maxPositions - 1));
  const draft = createDraft(depth);
  draft.confidence.fill(text.confidence);
  const shadow = new Shadow(depth);
  const tokens = new Int32Array(depth + 1);
  for (let t = 0, step = 0; step < steps && t < guessed.length; step++) {
    draft.length = Math.min(depth, scheduler.draftLimit(), guessed.length - t - 1);
    // The text's tokens are their places; a wrong draft token is none of them.
    for (let k = 0; k < draft.length; k++) draft.tokens[k] = guessed[t + k] === 1 ? t + k : -1;
    const plan = scheduler.plan({
      drafted: draft.length,
      confidence: draft.confidence,
      positionLimit: guessed.length - t,
      rowLimit: Number.POSITIVE_INFINITY,
      contextLength: 256,
    });
    let emitted = 1;
    while (emitted < plan.positions && guessed[t + emitted - 1] === 1) emitted++;
    for (let k = 0; k < emitted; k++) tokens[k] = t + k;
    shadow.record(draft);
    shadow.settle(tokens, emitted);
    const ms = costMs(plan.rows, step);
    scheduler.observe({ emitted, forwardMs: ms * Math.exp(noise()), draftMs: 0, restMs: 0, scores: shadow.scores });
    onStep({ step, plan, emitted, ms });
    t += emitted;
  }
}

/** ms a token of `positions` positions at every step. */
export function fixedMsPerToken({ guessed }: ScriptedText, positions: number, ms: number): number {
  let forwards = 0;
  for (let t = 0; t < guessed.length; forwards++) {
    let emitted = 1;
    while (emitted < positions && guessed[t + emitted - 1] === 1) emitted++;
    t += emitted;
  }
  return (forwards * ms) / guessed.length;
}
