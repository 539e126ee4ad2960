import ora, { type Ora } from "ora";
import { type Logger, pino } from "pino";

export const LOG_LEVELS = ["silent", "error", "warn", "info", "debug"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface OutputOptions {
  /** One JSON object on the last line of stdout; log lines on stderr are JSON too. */
  readonly json: boolean;
  readonly logLevel: LogLevel;
}

/** Where a command speaks: results on stdout, progress and log lines on stderr. */
export interface Output {
  readonly json: boolean;
  readonly log: Logger;
  /** Replaces the progress line. Shown on a terminal only. */
  progress(text: string): void;
  /** Removes the progress line, so that other text can be written. */
  settle(): void;
  /** Text that streams to stdout before the result; nothing with `--json`. */
  write(text: string): void;
  /** The result of the command: `text` for people, `value` for programs. */
  result(value: object, text: string): void;
  /** What there is of a result where the command is about to fail: programs get it with the error, on one line. */
  partial(value: object, text: string): void;
  /** With `--json`, why there is no result. */
  failure(error: { readonly code: string; readonly message: string }): void;
}

/** pino writes JSON lines; people get `nearfree: level: message`. */
function humanLine(line: string): string {
  const { level, msg } = JSON.parse(line) as { level: number; msg: string };
  return `nearfree: ${level >= 50 ? "error: " : level >= 40 ? "warning: " : ""}${msg}\n`;
}

export function createOutput({ json, logLevel }: OutputOptions): Output {
  const log = pino(
    { level: logLevel, base: null },
    { write: (line: string) => void process.stderr.write(json ? line : humanLine(line)) },
  );
  let spinner: Ora | undefined;
  let part: object = {};
  const settle = () => {
    spinner?.stop();
    spinner = undefined;
  };
  return {
    json,
    log,
    progress(text) {
      if (json || !process.stderr.isTTY) return;
      spinner ??= ora({ stream: process.stderr, discardStdin: false }).start();
      spinner.text = text;
    },
    settle,
    write(text) {
      settle();
      if (!json) process.stdout.write(text);
    },
    result(value, text) {
      settle();
      process.stdout.write(json ? `${JSON.stringify(value)}\n` : `${text}\n`);
    },
    partial(value, text) {
      settle();
      part = value;
      if (!json) process.stdout.write(`${text}\n`);
    },
    failure(error) {
      if (json) process.stdout.write(`${JSON.stringify({ ...part, error })}\n`);
    },
  };
}
