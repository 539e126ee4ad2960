import { describe, expect, it } from "vitest";
import { createMutator, type Mutation } from "./mutated-model.ts";
import { summariseMutated } from "./summarise-mutated.ts";

const mutate = createMutator();
const FILES = 600;

describe("a damaged model", () => {
  const files = Array.from({ length: FILES }, (_, seed) => mutate(seed));
  const outcomes = files.map((file) => ({ ...file, ...summariseMutated(file) }));

  it("gives a summary or a clear error, whatever is wrong with it", () => {
    expect(outcomes.filter(({ outcome }) => outcome === "crash").map(({ message }) => message)).toEqual([]);
  });

  it("is read in about as many bytes as it has: no loop goes over it again and again", () => {
    for (const { bytes, bytesRead, mutation } of outcomes) {
      // The reader's window of 16 KiB moves at most once for each tensor that lies beyond it.
      expect(bytesRead, mutation).toBeLessThan(32 * bytes.length + 64 * 1024);
    }
  });

  it("comes in every kind, and of each kind some are whole and some are not", () => {
    const kinds = new Map<Mutation, Set<string>>();
    for (const { mutation, outcome } of outcomes) kinds.set(mutation, (kinds.get(mutation) ?? new Set()).add(outcome));
    for (const kind of ["bits", "lengths", "varints", "duplicates", "nested", "functions"] as const) {
      expect([...(kinds.get(kind) ?? [])].sort(), kind).toEqual(["error", "summary"]);
    }
    expect([...kinds.get("cut")!]).toEqual(["error"]);
  });

  it("is the same for the same seed", () => expect(mutate(17)).toEqual(mutate(17)));
});
