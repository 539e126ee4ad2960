import { fileURLToPath } from "node:url";
import { createMemoryStore, createScheduler, type Profile } from "@nearfree/core";
import { describe, expect, it } from "vitest";
import { decodeSchedules, readGolden } from "../testing/decode-export.ts";
import { COSTS } from "../testing/synthetic-machine.ts";
import { timeModel } from "../testing/timed-model.ts";
import { loadOrCalibrate } from "./load-or-calibrate.ts";
import { type OpenModel, openModel } from "./open-model.ts";

const EXPORTS = fileURLToPath(new URL("../../../ort-adapter/fixtures/exports", import.meta.url));

/** A machine that is quiet, and one on which nothing can be told apart. */
const JITTERS = { quiet: 0.01, noisy: 3 };

interface Expected {
  /** Several positions at once are right for this file, in a class that was found. */
  readonly several: boolean;
  readonly consistency: "bitwise" | "tolerant";
  /** Words of the profile that say why not. */
  readonly because?: string;
}

const EXPECTED: Readonly<Record<string, Expected>> = {
  "falcon-ts-q8": { several: false, consistency: "bitwise", because: "one activation scale for all rows of a forward" },
  "gpt2-optimum-fp16": { several: false, consistency: "bitwise", because: "float16 activations" },
  "llama-oga-int4b16": { several: true, consistency: "bitwise", because: "MatMulNBits at accuracy level 4" },
  "phi3long-oga-int4": { several: true, consistency: "bitwise", because: "MatMulNBits at accuracy level 4" },
  "phi3long-oga-fp32": { several: true, consistency: "tolerant" },
};

async function start(model: OpenModel, jitter: number, store = createMemoryStore()): Promise<Profile> {
  const timed = timeModel(model, COSTS.decoder, jitter);
  const budget = { forwards: 160, ms: 1e6 };
  const options = { store, clock: timed.clock, contextLength: 64, maxPositions: 16, budget };
  return (await loadOrCalibrate(timed.model, options)).profile;
}

describe("a scheduled text is the text of one position at a time, of the class that the profile allows", () => {
  for (const [name, expected] of Object.entries(EXPECTED)) {
    for (const [machine, jitter] of Object.entries(JITTERS)) {
      it(`${name}, on a ${machine} machine, at the first and the second start`, async () => {
        const folder = `${EXPORTS}/${name}`;
        const golden = readGolden(folder);
        const model = await openModel(folder, { threads: 1, kvCache: "original" });
        try {
          const store = createMemoryStore();
          let widest = 0;
          for (let i = 0; i < 2; i++) {
            const profile = await start(model, jitter, store);
            expect(profile.run.stop).toBe(machine === "quiet" ? "decided" : "unresolvable");
            expect(createScheduler({ profile }).consistency).toBe(expected.consistency);
            const { dependent, coarse } = profile.invariance;
            expect(dependent ?? coarse ?? "").toContain(expected.because ?? "");
            for (const [at, prompt] of golden.prompts.entries()) {
              const found = await decodeSchedules(model.runner, profile, prompt, 48);
              expect(found.right).toEqual(found.plain);
              expect(found.wrong).toEqual(found.plain);
              if (!expected.several) expect(found.plain).toEqual(golden.tokens[at]!.slice(0, 48));
              widest = Math.max(widest, found.widest);
            }
          }
          expect(widest > 1).toBe(expected.several);
        } finally {
          await model.release();
        }
      });
    }
  }
});
