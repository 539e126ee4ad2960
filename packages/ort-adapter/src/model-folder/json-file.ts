import { readFile } from "node:fs/promises";
import { NearfreeError } from "@nearfree/core";
import { parsePythonJson } from "./python-json.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

/**
 * The object in a JSON file, as Python may have written it, or undefined where there is no such file.
 * @throws NearfreeError `invalid-model` where it is no JSON object or cannot be read.
 */
export async function readJsonObject(path: string): Promise<JsonObject | undefined> {
  let value: unknown;
  try {
    value = parsePythonJson(await readFile(path, "utf8"));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw invalid(path, (cause as Error).message, cause);
  }
  if (!isObject(value)) throw invalid(path, Array.isArray(value) ? "an array" : String(value));
  return value;
}

export function objectIn(object: JsonObject, key: string): JsonObject | undefined {
  const value = object[key];
  return isObject(value) ? value : undefined;
}

export function numberIn(object: JsonObject, key: string): number | undefined {
  const value = object[key];
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

export function stringIn(object: JsonObject, key: string): string | undefined {
  const value = object[key];
  return typeof value === "string" ? value : undefined;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function invalid(what: string, received: string, cause?: unknown): NearfreeError {
  return new NearfreeError({
    code: "invalid-model",
    from: "ort-adapter",
    what,
    expected: "a JSON object",
    received,
    remedy: "download or export the model again",
    cause,
  });
}
