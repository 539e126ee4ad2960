import {
  createNgramDrafter,
  createScheduler,
  type DecodeStats,
  decode,
  type Runner,
  type Scheduler,
} from "@nearfree/core";

/** One way of generating the same number of tokens from a prompt. */
export interface Arm {
  readonly name: string;
  generate(prompt: readonly number[], newTokens: number): Promise<Generation>;
}

export interface Generation {
  readonly tokens: readonly number[];
  /** From the first token on: ms for all but the first. */
  readonly decodeMs: number;
  /** ms from the call to the last token, prefill included. */
  readonly totalMs: number;
  /** Of the arms that are nearfree's own loop. */
  readonly stats?: DecodeStats;
}

/** The decode loop under `scheduler`, timed like any other consumer would: at the first and at the last token. */
export function loopArm(name: string, runner: Runner, scheduler: Scheduler): Arm {
  const drafter = scheduler.maxPositions > 1 ? createNgramDrafter() : undefined;
  return {
    name,
    async generate(prompt, newTokens) {
      runner.rewind(0);
      let stats: DecodeStats | undefined;
      const tokens: number[] = [];
      const began = performance.now();
      let first = began;
      const onFinish = (finished: DecodeStats) => {
        stats = finished;
      };
      for await (const token of decode({ runner, scheduler, drafter, prompt, maxNewTokens: newTokens, onFinish })) {
        if (tokens.length === 0) first = performance.now();
        tokens.push(token);
      }
      const ended = performance.now();
      return { tokens, decodeMs: ended - first, totalMs: ended - began, ...(stats && { stats }) };
    },
  };
}

/** The decode loop with the same positions at every step that has a draft. */
export function fixedArm(positions: number, runner: Runner): Arm {
  const name = positions === 1 ? "plain" : `fixed-${positions}`;
  return loopArm(name, runner, createScheduler({ policy: "fixed", positions }));
}
