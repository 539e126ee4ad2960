/**
 * Takes one token of a decoder's input or output. It may come in several chunks, of which `last` is the end; a chunk may be empty.
 */
export type Emit = (chunk: string, last: boolean) => void;

/** One step of a tokenizer's decoder that works on tokens as they come, and holds back only what may still change. */
export interface DecodeStep {
  readonly push: Emit;
  /** No more tokens come: what was held back is emitted. */
  end(): void;
}

export type MakeStep = (emit: Emit) => DecodeStep;

const nothing = () => {};

/** Steps behind each other, as one. */
export function chain(steps: readonly MakeStep[]): MakeStep {
  return (emit) => {
    const made: DecodeStep[] = [];
    for (const make of [...steps].reverse()) made.unshift(make(made[0]?.push ?? emit));
    const [first] = made;
    const end = () => {
      for (const step of made) step.end();
    };
    return { push: first?.push ?? emit, end };
  };
}

/** Takes each token whole: all but the longest texts of fused tokens are. */
export function eachToken(take: (token: string) => void, end: () => void): DecodeStep {
  let held = "";
  return {
    push(chunk, last) {
      held += chunk;
      if (!last) return;
      const token = held;
      held = "";
      take(token);
    },
    end,
  };
}

/** A step that changes tokens, each by itself. */
export function wholeTokens(change: (token: string, index: number) => string): MakeStep {
  return (emit) => {
    let index = 0;
    return eachToken((token) => emit(change(token, index++), true), nothing);
  };
}

/** All tokens become one. */
export const fuse: MakeStep = (emit) => ({
  push: (chunk) => emit(chunk, false),
  end: () => emit("", true),
});

/** A space between tokens: what a tokenizer without a decoder does. */
export const spaced: MakeStep = (emit) => {
  let begun = false;
  let inside = false;
  return {
    push(chunk, last) {
      emit(begun && !inside ? ` ${chunk}` : chunk, last);
      begun = true;
      inside = !last;
    },
    end: nothing,
  };
};

/** `suffix` marks the end of a word: a space, but for the last token's. */
export function spaceAfterWords(suffix: string): MakeStep {
  return (emit) => {
    let before: string | undefined;
    let held = "";
    return {
      push(chunk, last) {
        if (before !== undefined) emit(before.replaceAll(suffix, " "), true);
        before = undefined;
        held += chunk;
        if (!last) return;
        before = held;
        held = "";
      },
      end() {
        if (before !== undefined) emit(before.replaceAll(suffix, ""), true);
      },
    };
  };
}
