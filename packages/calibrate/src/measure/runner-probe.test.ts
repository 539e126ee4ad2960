import type { Runner } from "@nearfree/core";
import { describe, expect, it } from "vitest";
import { createModelProbe } from "./runner-probe.ts";

/** Remembers what it was asked; logits tell the position and the token. */
function recordingRunner(contextLimit: number, vocabularySize = 2): Runner & { readonly calls: string[] } {
  const cache: number[] = [];
  const calls: string[] = [];
  return {
    calls,
    describe: () => ({
      vocabularySize,
      contextLimit,
      batchLimit: 1,
      kvCache: "in-place",
      rowsAtOnce: Number.POSITIVE_INFINITY,
    }),
    get length() {
      return cache.length;
    },
    async forward(tokens, rows = tokens.length) {
      calls.push(`forward ${Array.from(tokens).join(" ")} rows ${rows}`);
      const start = cache.length;
      cache.push(...Array.from(tokens));
      const logits = Array.from(tokens).flatMap((token, i) => [start + i, token]);
      return Float32Array.from(logits).subarray((tokens.length - rows) * 2);
    },
    rewind(length) {
      calls.push(`rewind ${length}`);
      cache.length = length;
    },
    release: async () => {},
  };
}

describe("createModelProbe", () => {
  it("reads the context in once, rewinds to it before each run and goes through the text", async () => {
    const runner = recordingRunner(100, 6);
    const probe = createModelProbe(runner, { tokens: [5, 0, 1, 2, 3, 4], contextLength: 3 });
    for (const n of [1, 2, 3, 1]) {
      await probe.prepare(n);
      await probe.run(n);
    }
    expect(runner.calls).toEqual([
      "rewind 0",
      "forward 5 0 1 rows 0",
      "forward 2 rows 1",
      "rewind 3",
      "forward 3 4 rows 2",
      "rewind 3",
      "forward 5 0 1 rows 3",
      "rewind 3",
      "forward 2 rows 1",
    ]);
  });

  it("runs the same rows together, whatever was timed before", async () => {
    const runner = recordingRunner(100);
    const probe = createModelProbe(runner, { tokens: [1, 0, 1, 1, 0, 1], contextLength: 3 });
    await probe.prepare(2);
    await probe.run(2);
    expect(probe.rows!.columns).toBe(2);
    expect([...(await probe.rows!.together(3))]).toEqual([3, 1, 4, 0, 5, 1]);
  });

  it("runs the same rows one position at a time, behind the context", async () => {
    const runner = recordingRunner(100);
    const probe = createModelProbe(runner, { tokens: [1, 0, 1, 1, 0, 1], contextLength: 3 });
    expect([...(await probe.rows!.singly(3))]).toEqual([3, 1, 4, 0, 5, 1]);
    await probe.prepare(2);
    expect(runner.calls.slice(2)).toEqual(["forward 1 rows 1", "forward 0 rows 1", "forward 1 rows 1", "rewind 3"]);
  });

  it("compares rows at half and a quarter of the context too, at the last with other tokens behind the first half", async () => {
    const runner = recordingRunner(100, 2);
    const probe = createModelProbe(runner, { tokens: [1, 0, 1, 1, 0, 1, 1, 0, 1], contextLength: 4 });
    const { places, together, singly } = probe.rows!;
    expect(places).toBe(3);
    expect([...(await together(3, 1))]).toEqual([2, 1, 3, 1, 4, 0]);
    expect([...(await singly(2, 1))]).toEqual([2, 1, 3, 1]);
    expect([...(await together(4, 2))]).toEqual([1, 0, 2, 1]);
    expect(runner.calls.at(-1)).toBe("forward 0 1 0 1 rows 4");
    // Back to where forwards are timed: the context is read in again.
    await probe.prepare(2);
    expect(runner.calls.slice(-2)).toEqual(["rewind 0", "forward 1 0 1 1 rows 0"]);
  });

  it("forgets what a runner held before", async () => {
    const runner = recordingRunner(100);
    await runner.forward([0, 0, 0, 0]);
    const probe = createModelProbe(runner, { tokens: [1, 0, 1], contextLength: 0 });
    await probe.prepare(2);
    await probe.run(2);
    expect(runner.calls.slice(1)).toEqual(["rewind 0", "forward 1 0 rows 2"]);
  });

  it("has no more positions than the text and the model's context give", () => {
    const tokens = new Int32Array(20);
    expect(createModelProbe(recordingRunner(100), { tokens, contextLength: 8 }).maxPositions).toBe(12);
    expect(createModelProbe(recordingRunner(10), { tokens, contextLength: 8 }).maxPositions).toBe(2);
  });

  it("has no more positions than the runner runs at once", () => {
    const runner = recordingRunner(100);
    const described = runner.describe();
    const tokens = new Int32Array(20);
    const probe = (rowsAtOnce: number) =>
      createModelProbe(
        { ...runner, length: 0, describe: () => ({ ...described, rowsAtOnce }) },
        { tokens, contextLength: 8 },
      );
    expect([probe(1).maxPositions, probe(5).maxPositions, probe(31).maxPositions]).toEqual([1, 5, 12]);
  });

  it.each([
    [20, 100, "invalid-argument"],
    [-1, 100, "invalid-argument"],
    [1.5, 100, "invalid-argument"],
    [10, 10, "context-exceeded"],
  ])("refuses a context of %d in a model of %d", (contextLength, contextLimit, code) => {
    const make = () => createModelProbe(recordingRunner(contextLimit), { tokens: new Int32Array(20), contextLength });
    expect(make).toThrow(expect.objectContaining({ code }));
  });

  it.each([
    ["no options", undefined, "tokens"],
    ["no text", { contextLength: 4 }, "tokens"],
    ["an empty text", { tokens: [], contextLength: 0 }, "tokens"],
    ["a token outside the vocabulary", { tokens: [0, 1, 2], contextLength: 0 }, "2 at 2"],
    ["a token that is no id", { tokens: [0, 0.5], contextLength: 0 }, "0.5 at 1"],
    ["no context length", { tokens: [0, 1] }, "contextLength"],
  ])("refuses %s, naming it in one line", (_name, options, named) => {
    const make = () => createModelProbe(recordingRunner(100), options as never);
    expect(make).toThrow(expect.objectContaining({ name: "NearfreeError", code: "invalid-argument" }));
    expect(make).toThrow(named);
  });

  it.each([undefined, null, {}, "a path"])("refuses %o as a runner", (runner) => {
    const make = () => createModelProbe(runner as never, { tokens: [0, 1], contextLength: 1 });
    expect(make).toThrow("runner: expected a Runner");
  });
});
