import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeModelToBytes } from "@nearfree/ort-adapter/onnx";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkDecoder, type DecoderOutcome } from "./check-decoder.ts";
import { type DecoderSource, decoderSources } from "./decoder-sources.ts";
import { GRAPH_MUTATIONS } from "./graph-mutations.ts";
import { mutateDecoder } from "./mutated-decoder.ts";

/** As many as a few seconds take; `npm run bench:mutations` checks all. */
const DECODERS = 100;

let sources: readonly DecoderSource[];
let folder: string;

beforeAll(async () => {
  sources = await decoderSources();
  folder = await mkdtemp(join(tmpdir(), "nearfree-mutations-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("a mutated decoder", () => {
  it("is rewritten to the same tokens, or refused in one clear line", async () => {
    const outcomes = new Map<DecoderOutcome, string[]>();
    for (let seed = 0; seed < DECODERS; seed++) {
      const decoder = mutateDecoder(sources, seed);
      const { outcome, message } = await checkDecoder(decoder, seed, join(folder, `${seed}`));
      const said = `seed ${seed} (${decoder.source.name}, ${decoder.mutations}): ${message}`;
      outcomes.set(outcome, [...(outcomes.get(outcome) ?? []), said]);
    }
    for (const never of ["wrong", "crash", "caught"] as const) expect(outcomes.get(never) ?? []).toEqual([]);
    // Each way is taken: mutations that broke every graph, or none, would show nothing.
    for (const way of ["rewritten", "original", "refused"] as const) {
      expect(outcomes.get(way)?.length ?? 0, way).toBeGreaterThan(DECODERS / 20);
    }
  }, 300_000);

  it("is the same for the same seed, and other for another", () => {
    const bytes = (seed: number) => encodeModelToBytes(mutateDecoder(sources, seed).model);
    expect(bytes(17)).toEqual(bytes(17));
    expect(bytes(17)).not.toEqual(bytes(18));
  });

  it("comes of every source and every kind of change", () => {
    const decoders = Array.from({ length: 400 }, (_, seed) => mutateDecoder(sources, seed));
    expect(new Set(decoders.map(({ source }) => source.name)).size).toBe(sources.length);
    expect(new Set(decoders.flatMap(({ mutations }) => mutations)).size).toBe(Object.keys(GRAPH_MUTATIONS).length);
  });
});
