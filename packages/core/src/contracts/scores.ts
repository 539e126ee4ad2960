/**
 * What became of draft tokens, in the order they were decided. Filled by the decode loop, read by `observe`.
 * Entry i: draft token `position[i]` (0-based in its draft) had `confidence[i]`, all before it were right, and it was or was not.
 */
export interface Scores {
  readonly position: Uint8Array;
  readonly confidence: Float32Array;
  readonly accepted: Uint8Array;
  /** age[i]: steps since its draft was made; 0 for the draft of the step itself. */
  readonly age: Uint8Array;
  length: number;
}

export function createScores(capacity: number): Scores {
  return {
    position: new Uint8Array(capacity),
    confidence: new Float32Array(capacity),
    accepted: new Uint8Array(capacity),
    age: new Uint8Array(capacity),
    length: 0,
  };
}
