import type { Ora } from "ora";
import { type Logger, pino } from "pino";
import type { LogLevel } from "./log-level.ts";

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
  // The text of the progress line; undefined: there is none to be seen.
  let shown: string | undefined;
  let spinner: Ora | undefined;
  let part: object = {};
  let loading = false;
  const settle = () => {
    shown = undefined;
    spinner?.stop();
  };
  /** Loaded when there is something to show, and shown if there still is. */
  const loadSpinner = async () => {
    loading = true;
    const { default: ora } = await import("ora");
    spinner = ora({ stream: process.stderr, discardStdin: false });
    if (shown !== undefined) spinner.start(shown);
  };
  return {
    json,
    log,
    progress(text) {
      if (json || !process.stderr.isTTY) return;
      shown = text;
      if (spinner === undefined) {
        if (!loading) void loadSpinner();
      } else if (spinner.isSpinning) spinner.text = text;
      else spinner.start(text);
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
