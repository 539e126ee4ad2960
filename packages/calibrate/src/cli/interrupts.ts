/** Signals that end a command early, and its exit code then: 128 and the signal's number, as shells have it. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

export interface Interrupts {
  /** Fires at the first signal. A second one ends the process where it stands. */
  readonly signal: AbortSignal;
  /** Of the signal that came; undefined while none has. */
  exitCode(): number | undefined;
  stop(): void;
}

/** Listens from now on. The command does so before it loads anything, so that no signal finds it without. */
export function catchInterrupts(): Interrupts {
  const controller = new AbortController();
  let exitCode: number | undefined;
  const handlers = Object.entries(EXIT_CODES).map(([name, code]) => {
    const handle = () => {
      stop();
      exitCode = code;
      controller.abort(name);
    };
    return [name, handle] as const;
  });
  for (const [name, handle] of handlers) process.on(name, handle);
  function stop(): void {
    for (const [name, handle] of handlers) process.off(name, handle);
  }
  return { signal: controller.signal, exitCode: () => exitCode, stop };
}
