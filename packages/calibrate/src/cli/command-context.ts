import type { Output } from "./output.ts";

/** What every command gets besides its own arguments. */
export interface CommandContext {
  readonly output: Output;
  /** Fires on Ctrl-C, and when the process is told to end. */
  readonly signal: AbortSignal;
}

/** Wraps a command's action: shared options in, exit code out. */
export type Runs = <Args extends unknown[]>(
  action: (context: CommandContext, ...args: Args) => Promise<void>,
) => (...args: Args) => Promise<void>;
