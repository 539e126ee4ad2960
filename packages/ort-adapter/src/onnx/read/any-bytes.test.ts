import { NearfreeError } from "@nearfree/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sampleDecoder } from "../../testing/sample-decoder.ts";
import { summarize } from "../graph/summarize.ts";
import { encodeModelToBytes } from "../write/writer.ts";
import { byteSource } from "./byte-source.ts";
import { readModel } from "./reader.ts";

describe("any bytes", () => {
  const originals = [
    encodeModelToBytes(sampleDecoder()),
    encodeModelToBytes(sampleDecoder({ attention: "decomposed" })),
    encodeModelToBytes(sampleDecoder({ quantisation: "int4" })),
  ];
  // The structure is the part that mutations can hurt; the writer puts it before the weights.
  const structureBytes = originals.map((bytes) => {
    const { initializers } = readModel({ model: byteSource(bytes) }).graph;
    return Math.min(...initializers.map(({ stored }) => stored!.offset));
  });

  const mutation = fc.record({
    which: fc.nat({ max: originals.length - 1 }),
    edits: fc.array(fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), byte: fc.nat({ max: 255 }) }), {
      minLength: 0,
      maxLength: 8,
    }),
    structureOnly: fc.boolean(),
    keep: fc.oneof(
      { weight: 3, arbitrary: fc.constant(1) },
      { weight: 1, arbitrary: fc.double({ min: 0, max: 1, noNaN: true }) },
    ),
  });

  it("give a summary or a NearfreeError: mutated models", () => {
    fc.assert(
      fc.property(mutation, ({ which, edits, structureOnly, keep }) => {
        const bytes = originals[which]!.slice();
        const reach = structureOnly ? structureBytes[which]! : bytes.length;
        for (const { at, byte } of edits) bytes[Math.floor(at * (reach - 1))] = byte;
        summaryOrError(bytes.subarray(0, Math.floor(bytes.length * keep)));
      }),
      { numRuns: 3000 },
    );
  });

  it("give a summary or a NearfreeError: random bytes", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 512 }), summaryOrError), { numRuns: 2000 });
  });
});

function summaryOrError(bytes: Uint8Array): void {
  try {
    const { summary } = summarize({ model: byteSource(bytes) });
    expect(summary.structureHash).toMatch(/^[0-9a-f]{64}$/);
    expect(Number.isFinite(summary.weightBytes) && Number.isFinite(summary.flopsPerPosition)).toBe(true);
  } catch (error) {
    if (!(error instanceof NearfreeError)) throw error;
    expect(error.message).not.toContain("\n");
  }
}
