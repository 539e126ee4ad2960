import { NearfreeError } from "@nearfree/core";

interface Kind {
  readonly expected: string;
  readonly remedy: string;
  readonly is: (value: unknown) => boolean;
}

const property = (value: unknown, name: string) => (value as Record<string, unknown> | null | undefined)?.[name];
const isFunction = (value: unknown) => typeof value === "function";
const isList = (value: unknown) => typeof value === "object" && Number.isSafeInteger(property(value, "length"));

const PASS = "pass it";
const METADATA: Kind = {
  expected: "the session's own list",
  remedy: "pass a session of onnxruntime-node or onnxruntime-web 1.22 or later",
  is: Array.isArray,
};
const KINDS = {
  session: {
    expected: "an InferenceSession",
    remedy: "pass what InferenceSession.create() gave, awaited",
    is: (value) => isFunction(property(value, "run")) && Array.isArray(property(value, "inputNames")),
  },
  options: { expected: "an object", remedy: PASS, is: (value) => typeof value === "object" && value !== null },
  inputMetadata: METADATA,
  outputMetadata: METADATA,
  Tensor: { expected: "the Tensor class of the runtime that made the session", remedy: PASS, is: isFunction },
  tokens: { expected: "a list of token ids", remedy: PASS, is: isList },
  routers: { expected: "a list of routers", remedy: "pass what writeRoutedCopy() gave", is: Array.isArray },
  createSession: { expected: "a function that makes a session of a model in memory", remedy: PASS, is: isFunction },
} satisfies Readonly<Record<string, Kind>>;

/**
 * Checks what types demand and a caller in JavaScript may have left out, by its name.
 * @throws NearfreeError `invalid-argument` naming the first that is not what it should be.
 */
export function requireOptions(given: Partial<Readonly<Record<keyof typeof KINDS, unknown>>>): void {
  for (const [what, value] of Object.entries(given)) {
    const { expected, remedy, is }: Kind = KINDS[what as keyof typeof KINDS];
    if (is(value)) continue;
    const received = value === null ? "null" : Array.isArray(value) ? "a list" : `${typeof value}`;
    throw new NearfreeError({ code: "invalid-argument", from: "ort-adapter", what, expected, received, remedy });
  }
}
