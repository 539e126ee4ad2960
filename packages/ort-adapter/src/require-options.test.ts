import { InferenceSession, Tensor } from "onnxruntime-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createBalanceProbes, createBatchProbe, createSessionRunner, readRouting, wrapSession } from "./index.ts";
import { requireOptions } from "./require-options.ts";
import { smallDecoder } from "./testing/small-decoder.ts";

let session: InferenceSession;
beforeAll(async () => {
  session = await InferenceSession.create(smallDecoder(), { logSeverityLevel: 3 });
});
afterAll(() => session.release());

/** The same functions as a caller in JavaScript sees them. */
type Untyped = (...given: unknown[]) => unknown;
const probe = { Tensor, tokens: [1, 2], contextLength: 2, batch: 1, contextLimit: 64 };

const CASES: [string, Untyped, () => unknown[], string][] = [
  ["createSessionRunner", createSessionRunner as Untyped, () => [], "session: expected an InferenceSession"],
  ["createSessionRunner", createSessionRunner as Untyped, () => [session], "options: expected an object"],
  [
    "createSessionRunner",
    createSessionRunner as Untyped,
    () => [session, null],
    "options: expected an object, received null",
  ],
  [
    "createSessionRunner",
    createSessionRunner as Untyped,
    () => [session, { contextLimit: 64 }],
    "Tensor: expected the Tensor class",
  ],
  [
    "createSessionRunner",
    createSessionRunner as Untyped,
    () => [session, { Tensor }],
    "contextLimit: expected an integer",
  ],
  [
    "createSessionRunner",
    createSessionRunner as Untyped,
    () => [
      { run: () => {}, inputNames: [], outputNames: [] },
      { Tensor, contextLimit: 64 },
    ],
    "inputMetadata: expected the session's own list, received undefined; pass a session of onnxruntime-node",
  ],
  ["createBatchProbe", createBatchProbe as Untyped, () => [], "session: expected an InferenceSession"],
  ["createBatchProbe", createBatchProbe as Untyped, () => [session], "options: expected an object"],
  [
    "createBatchProbe",
    createBatchProbe as Untyped,
    () => [session, { ...probe, Tensor: undefined }],
    "Tensor: expected",
  ],
  [
    "createBatchProbe",
    createBatchProbe as Untyped,
    () => [session, { ...probe, tokens: undefined }],
    "tokens: expected",
  ],
  ["readRouting", readRouting as Untyped, () => [session], "routers: expected a list of routers"],
  ["readRouting", readRouting as Untyped, () => [session, []], "options: expected an object"],
  ["readRouting", readRouting as Untyped, () => [session, [], { Tensor }], "tokens: expected a list of token ids"],
  ["wrapSession", wrapSession as Untyped, () => [], "session: expected an InferenceSession, received undefined"],
  [
    "wrapSession",
    wrapSession as Untyped,
    () => [Promise.resolve()],
    "received object; pass what InferenceSession.create() gave, awaited",
  ],
  ["createBalanceProbes", createBalanceProbes as Untyped, () => [], "options: expected an object"],
  ["createBalanceProbes", createBalanceProbes as Untyped, () => [{ Tensor }], "createSession: expected a function"],
  [
    "createBalanceProbes",
    createBalanceProbes as Untyped,
    () => [{ createSession() {} }],
    "Tensor: expected the Tensor class",
  ],
];

describe("requireOptions", () => {
  it.each(CASES)("gives a caller of %s one clear line (%#)", async (_name, call, given, line) => {
    const error = await Promise.resolve()
      .then(() => call(...given()))
      .then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
    expect(error).toMatchObject({ code: "invalid-argument", message: expect.stringContaining(line) });
  });

  it("lets pass what is whole", () => {
    expect(() =>
      requireOptions({ session, options: {}, Tensor, tokens: new Int32Array(2), routers: [] }),
    ).not.toThrow();
  });
});
