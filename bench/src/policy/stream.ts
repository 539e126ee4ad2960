import { createDraft, type Draft, type Drafter } from "@nearfree/core";
import type { Recording } from "./recording.ts";

/** Draft tokens recorded at each position: as many as the scheduler learns from. */
export const DRAFT_DEPTH = 31;

/** A recording with what the drafter would have proposed: drafts[t] continues the prompt and tokens 0..t-1. */
export interface DraftedText {
  readonly recording: Recording;
  readonly drafts: readonly Draft[];
}

/** Everything that a loop can meet on its way through a text: any schedule is a walk over its positions. */
export interface Stream {
  readonly length: number;
  /** tokens[t]: the token that the model emits at position t. */
  readonly tokens: Int32Array;
  /** drafts[t]: the proposal for tokens t, t + 1 and so on. */
  readonly drafts: readonly Draft[];
  /** right[t]: how many tokens of drafts[t] stand. */
  readonly right: Uint8Array;
  /** limit[t]: tokens still wanted, the one at t included. */
  readonly limit: Int32Array;
  /** context[t]: positions in the KV cache before the forward that emits token t. */
  readonly context: Int32Array;
  /** starts[t] = 1 where a request begins: its drafter knows nothing of the one before. */
  readonly starts: Uint8Array;
}

/** Part of a recording: tokens from..to-1. */
export interface Segment {
  readonly text: DraftedText;
  readonly from: number;
  readonly to: number;
}

/** What the drafter would have proposed at every position of a recording. The same for every schedule: it sees nothing but the text. */
export function withDrafts(recording: Recording, drafter: Drafter): DraftedText {
  const { prompt, tokens } = recording;
  drafter.reset(prompt);
  const drafts = tokens.map((token) => {
    const draft = createDraft(DRAFT_DEPTH);
    void drafter.propose(DRAFT_DEPTH, draft);
    drafter.learn([token], 1);
    return draft;
  });
  return { recording, drafts };
}

export interface StreamOptions {
  /** `requests`: each segment is a request of its own. `text`: all segments are one text, which changes its nature between them. */
  readonly as: "requests" | "text";
  /** Where the context of the one text starts, growing by one a token. Default: the contexts that the recordings had. */
  readonly contextStart?: number;
}

export function createStream(segments: readonly Segment[], { as, contextStart }: StreamOptions): Stream {
  const length = segments.reduce((sum, { from, to }) => sum + to - from, 0);
  const drafts: Draft[] = [];
  const stream = {
    length,
    tokens: new Int32Array(length),
    drafts,
    right: new Uint8Array(length),
    limit: new Int32Array(length),
    context: new Int32Array(length),
    starts: new Uint8Array(length),
  };
  for (const { text, from, to } of segments) {
    const { prompt, tokens } = text.recording;
    const start = drafts.length;
    const end = as === "text" ? length : start + to - from;
    if (as === "requests" || start === 0) stream.starts[start] = 1;
    for (let at = from; at < to; at++) {
      const t = drafts.length;
      stream.tokens[t] = tokens[at]!;
      stream.limit[t] = end - t;
      stream.context[t] = contextStart === undefined ? prompt.length - 1 + at : contextStart + t;
      drafts.push(text.drafts[at]!);
    }
  }
  for (let t = 0; t < length; t++) stream.right[t] = standing(stream, t);
  return stream;
}

/** Tokens of the draft at `t` that the model emits itself: no more than may be emitted before the last wanted one. */
function standing({ tokens, drafts, limit }: Stream, t: number): number {
  const draft = drafts[t]!;
  const most = Math.min(draft.length, limit[t]! - 1);
  let right = 0;
  while (right < most && draft.tokens[right] === tokens[t + right]) right++;
  return right;
}
