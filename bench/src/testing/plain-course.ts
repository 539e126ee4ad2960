import { createDraft } from "@nearfree/core";
import { type Machine, profileOf } from "../policy/machine.ts";
import { DRAFT_DEPTH, type Stream } from "../policy/stream.ts";

/**
 * A stream of one request by what its drafts are worth: at position t the first right[t] of drafted[t] tokens stand. Token values
 * are made up to fit, so `right` may not reach beyond the end.
 */
export function streamOf(right: readonly number[], drafted: readonly number[] = right.map(() => DRAFT_DEPTH)): Stream {
  const length = right.length;
  const tokens = Int32Array.from({ length }, (_, t) => t + 1);
  return {
    length,
    tokens,
    drafts: right.map((stands, t) => {
      const draft = createDraft(DRAFT_DEPTH);
      draft.length = drafted[t]!;
      draft.confidence.fill(0.8);
      for (let k = 0; k < DRAFT_DEPTH; k++) draft.tokens[k] = k < stands ? tokens[t + k]! : 0;
      return draft;
    }),
    right: Uint8Array.from(right),
    limit: Int32Array.from({ length }, (_, t) => length - t),
    context: Int32Array.from({ length }, (_, t) => 100 + t),
    starts: Uint8Array.from({ length }, (_, t) => (t === 0 ? 1 : 0)),
  };
}

/** A machine whose forward of n rows takes ms[n-1], whatever the position and the context. */
export function machineOf(ms: readonly number[], length: number, draftMs = 0): Machine {
  const table = Float64Array.from(ms);
  return {
    levels: new Float64Array(length).fill(1),
    kernels: new Uint8Array(length),
    tables: [table],
    perContextMs: new Float64Array(ms.length),
    draftMs,
    profiles: [profileOf("test", 256, table)],
  };
}
