import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Environment } from "@nearfree/core";
import { publishFile } from "@nearfree/core/fs-store";
import { hashOf } from "@nearfree/core/measure";
import type { RunnerDifference } from "@nearfree/ort-adapter";
import type { FormSpeed } from "./time-forms.ts";

/** What was found when a rewrite ran beside the original, in one environment. */
export interface FormVerdict extends RunnerDifference {
  /** Absent where nobody has timed it yet. */
  readonly speeds?: readonly FormSpeed[];
}

/** The verdict that an earlier start left beside the rewrite at `path`; undefined where there is none that can be read. */
export async function readVerdict(path: string, environment: Environment): Promise<FormVerdict | undefined> {
  try {
    return parseVerdict(JSON.parse(await readFile(fileOf(path, environment), "utf8")));
  } catch {
    return undefined;
  }
}

/** Keeps a verdict for the next start. Where that cannot be, the next start runs both again. */
export async function keepVerdict(path: string, environment: Environment, verdict: FormVerdict): Promise<void> {
  await publishFile(fileOf(path, environment), JSON.stringify(verdict)).catch(() => {});
}

function fileOf(path: string, environment: Environment): string {
  return join(dirname(path), `verdict-${hashOf(environment).slice(0, 16)}.json`);
}

function parseVerdict(value: unknown): FormVerdict | undefined {
  const { fault, largestError, medianError, rows, flips, speeds } = value as {
    readonly [name in keyof FormVerdict]: unknown;
  };
  if (!isNumber(largestError) || !isNumber(medianError) || !isNumber(rows) || !isNumber(flips)) return undefined;
  if (fault !== undefined && typeof fault !== "string") return undefined;
  if (speeds !== undefined && !(Array.isArray(speeds) && speeds.length > 0 && speeds.every(isSpeed))) return undefined;
  return { fault, largestError, medianError, rows, flips, ...(speeds !== undefined && { speeds }) };
}

function isNumber(value: unknown): value is number {
  return typeof value === "number";
}

function isSpeed(value: Partial<FormSpeed> | null): value is FormSpeed {
  return isNumber(value?.context) && isNumber(value.rows) && isNumber(value.ratio) && value.ratio > 0;
}
