import {
  createNgramDrafter,
  createScheduler,
  type DecodeStats,
  decode,
  type Runner,
  type Scheduler,
} from "@nearfree/core";

/** One way of generating the same tokens from a prompt, up to a token that ends the text. */
export interface Arm {
  readonly name: string;
  generate(prompt: readonly number[], newTokens: number): Promise<Generation>;
}

export interface Generation {
  /** Without the one that ended the text. */
  readonly tokens: readonly number[];
  /** From the first token on: ms for all but the first, the one that ended the text among them. 0 where there was none. */
  readonly decodeMs: number;
  /** ms from the call to the last token, prefill included. */
  readonly totalMs: number;
  /** Of the arms that are nearfree's own loop. */
  readonly stats?: DecodeStats;
}

/** The decode loop under `scheduler`, timed like any other consumer would: at the first and at the last token. */
export function loopArm(name: string, runner: Runner, scheduler: Scheduler, stopTokens: readonly number[]): Arm {
  const drafter = scheduler.maxPositions > 1 ? createNgramDrafter() : undefined;
  return {
    name,
    async generate(prompt, newTokens) {
      runner.rewind(0);
      let stats: DecodeStats | undefined;
      const tokens: number[] = [];
      const began = performance.now();
      let first: number | undefined;
      const onFinish = (finished: DecodeStats) => {
        stats = finished;
      };
      const options = { runner, scheduler, drafter, prompt, stopTokens, maxNewTokens: newTokens, onFinish };
      for await (const token of decode(options)) {
        first ??= performance.now();
        tokens.push(token);
      }
      const ended = performance.now();
      return { tokens, decodeMs: ended - (first ?? ended), totalMs: ended - began, ...(stats && { stats }) };
    },
  };
}

/** The decode loop with the same positions at every step that has a draft. */
export function fixedArm(positions: number, runner: Runner, stopTokens: readonly number[]): Arm {
  return loopArm(`fixed-${positions}`, runner, createScheduler({ policy: "fixed", positions }), stopTokens);
}
