import { NearfreeError, type Runner } from "@nearfree/core";
import { compareRunners, type RowTraits, seedRunner } from "@nearfree/ort-adapter";
import { type PairedSpeed, pairedSpeed } from "../../measure/paired-speed.ts";

/** What a changed model does differently from the original. */
export interface StepEffect {
  /** Of rows run one at a time: distance as a share of the original's spread, and how many choose the same token. */
  readonly logits: {
    readonly largestError: number;
    readonly medianError: number;
    readonly rows: number;
    readonly sameChoice: number;
  };
  readonly speed: readonly PairedSpeed[];
}

export interface StepEffectOptions {
  /** What the original's graph says of its rows. */
  readonly traits: RowTraits;
  /** Most positions of the model; undefined where no file says. */
  readonly contextLimit: number | undefined;
  /** The change is meant to keep the logits but for rounding: more is an error, unless `onlyRounding`. */
  readonly lossless: boolean;
  /** Asked where more was found: whether it is rounding all the same, of kernels that magnify it. */
  readonly onlyRounding?: () => Promise<boolean>;
  /** How errors call the change. */
  readonly what: string;
  readonly signal?: AbortSignal | undefined;
}

/** Rows of the forwards that are timed. */
const ROWS = [1, 4];
/** Contexts that they are timed at, where the model has so many positions. */
const CONTEXTS = { short: 128, long: 1024 };
/** Room behind a context for the forwards that are timed. */
const ROOM = 8;

/** @throws NearfreeError `unsupported-model` where the logits are not what they should be, `aborted`, `run-failed` */
export async function stepEffect(
  original: Runner,
  candidate: Runner,
  { traits, lossless, onlyRounding, what, contextLimit, signal }: StepEffectOptions,
): Promise<StepEffect> {
  const { fault, largestError, medianError, rows: compared, flips } = await compareRunners(original, candidate, traits);
  const logits = { largestError, medianError, rows: compared, sameChoice: compared - flips };
  if (!Number.isFinite(largestError)) throw otherLogits(what, "logits that are no numbers");
  if (lossless && fault !== undefined && !(await onlyRounding?.())) throw otherLogits(what, fault);
  const speed: PairedSpeed[] = [];
  for (const contextLength of contextsWithin(contextLimit)) {
    for (const rows of ROWS)
      speed.push(await pairedSpeed(original, candidate, { contextLength, rows, fill: seedRunner, signal }));
  }
  return { logits, speed };
}

/** Where nobody knows how many positions there are, the short one is tried alone. */
function contextsWithin(limit: number | undefined): Iterable<number> {
  if (limit === undefined) return [CONTEXTS.short];
  const [short, long] = [Math.min(CONTEXTS.short, limit >> 2), Math.min(CONTEXTS.long, limit - ROOM)];
  return new Set([Math.max(1, short), Math.max(1, long)]);
}

function otherLogits(what: string, received: string): NearfreeError {
  return new NearfreeError({
    code: "unsupported-model",
    from: "calibrate",
    what,
    expected: "the logits of the original",
    received,
    remedy: "leave this change out (--form none, or without its option)",
  });
}
