import { NearfreeError, type NearfreeErrorCode } from "@nearfree/core";

/** 2: what was asked for cannot be done as asked. 1: it failed while running. 130: interrupted. */
const EXIT_CODES: Record<NearfreeErrorCode, number> = {
  "invalid-argument": 2,
  "invalid-model": 2,
  "missing-file": 2,
  "missing-runtime": 2,
  "unsupported-model": 2,
  "unsupported-execution-provider": 2,
  "context-exceeded": 2,
  "invalid-bundle": 2,
  "profile-contradicted": 1,
  "store-unwritable": 1,
  "run-failed": 1,
  aborted: 130,
};

export interface Failure {
  readonly exitCode: number;
  readonly code: string;
  /** One line, without a stack trace. */
  readonly line: string;
}

export function toFailure(error: unknown): Failure {
  if (error instanceof NearfreeError)
    return { exitCode: EXIT_CODES[error.code], code: error.code, line: error.message };
  const message = error instanceof Error ? error.message : String(error);
  return { exitCode: 1, code: "unexpected", line: `unexpected error: ${message.replace(/\s+/g, " ")}` };
}
