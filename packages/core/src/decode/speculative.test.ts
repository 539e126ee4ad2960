import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Drafter } from "../contracts/drafter.ts";
import { NearfreeError } from "../contracts/errors.ts";
import type { Scheduler } from "../contracts/scheduler.ts";
import type { Profile } from "../profile/profile.ts";
import type { SchedulerOptions } from "../schedule/create-scheduler.ts";
import { createScheduler } from "../schedule/create-scheduler.ts";
import type { Policy } from "../schedule/policy/policy.ts";
import { sampleProfile } from "../testing/sample-profile.ts";
import type { ScriptedModelOptions } from "../testing/scripted-runner.ts";
import { createScriptedRunner } from "../testing/scripted-runner.ts";
import { createNgramDrafter } from "./draft/ngram.ts";
import { decode, decodeAll } from "./speculative.ts";
import type { DecodeStats } from "./stats.ts";

const RATIOS = Array.from({ length: 16 }, (_, i) => 1 + 0.04 * i);
const CLASSES = [[1], Array.from({ length: 15 }, (_, i) => i + 2)];

function profileOf(argmaxFlips: number): Profile {
  return { ...sampleProfile(0, RATIOS), invariance: { classes: CLASSES, maxDifference: 1e-5, rows: 16, argmaxFlips } };
}

const plain = () => createScheduler({ policy: "fixed", positions: 1 });

/** Wrong on purpose, for any seed: random lengths, tokens and confidences, tokens of no vocabulary among them. */
function randomDrafter(seed: number): Drafter {
  let state = seed | 1;
  const random = (below: number) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
  return {
    costMs: 0,
    reset() {},
    propose(max, out) {
      out.length = random(max + 1);
      for (let k = 0; k < out.length; k++) {
        out.tokens[k] = random(70) - 3;
        out.confidence[k] = random(8) === 0 ? Number.NaN : random(1000) / 999;
      }
    },
    learn() {},
  };
}

/** Positions from a list, over and over. */
function scripted(positions: readonly number[]): Policy {
  let step = 0;
  return { reason: "exploring", choose: () => positions[step++ % positions.length]! };
}

const models = fc.record({
  repetition: fc.double({ min: 0, max: 1, noNaN: true }),
  period: fc.integer({ min: 2, max: 40 }),
  seed: fc.integer({ min: 0, max: 1e6 }),
  contextLimit: fc.integer({ min: 20, max: 200 }),
});
const prompts = fc.array(fc.integer({ min: 0, max: 63 }), { minLength: 1, maxLength: 18 });
const drafters = fc.oneof(
  fc.constant(() => createNgramDrafter()),
  fc.integer().map((seed) => () => randomDrafter(seed)),
);
const schedules = fc.oneof(
  fc.constantFrom<SchedulerOptions>({}, { policy: "near-free" }, { policy: "latency", latencyMs: 0.8 }),
  fc.integer({ min: 1, max: 20 }).map((positions): SchedulerOptions => ({ policy: "fixed", positions })),
  fc
    .array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 8 })
    .map((positions): SchedulerOptions => ({ policy: scripted(positions) })),
);

async function run(model: ScriptedModelOptions, scheduler: Scheduler, prompt: number[], drafter?: Drafter) {
  const runner = createScriptedRunner(model);
  const { clock } = runner;
  const { tokens, stats } = await decodeAll({ runner, scheduler, prompt, drafter, clock, maxNewTokens: 120 });
  expect(runner.cached).toEqual([...prompt, ...tokens].slice(0, -1));
  expect(stats.tokens).toBe(tokens.length);
  expect(stats.tokens).toBe(stats.forwards + stats.accepted);
  return { tokens, stats };
}

describe("decode", () => {
  it("gives the plain loop's tokens under any policy, drafter and model", async () => {
    await fc.assert(
      fc.asyncProperty(models, prompts, schedules, drafters, async (model, prompt, schedule, makeDrafter) => {
        const expected = await run(model, plain(), prompt);
        const scheduler = createScheduler({ ...schedule, profile: profileOf(0) });
        const { tokens, stats } = await run(model, scheduler, prompt, makeDrafter());
        expect(tokens).toEqual(expected.tokens);
        expect(stats.finish).toBe(expected.stats.finish);
      }),
      { numRuns: 300 },
    );
  });

  it("does not depend on the schedule where one row has kernels of its own", async () => {
    await fc.assert(
      fc.asyncProperty(
        models,
        prompts,
        schedules,
        schedules,
        drafters,
        async (model, prompt, one, other, makeDrafter) => {
          const variant = { ...model, variantBelow: 2 };
          const make = (options: SchedulerOptions) =>
            createScheduler({ ...options, profile: profileOf(3), consistency: "auto" });
          const a = await run(variant, make(one), prompt, makeDrafter());
          const b = await run(variant, make(other), prompt, makeDrafter());
          expect(a.tokens).toEqual(b.tokens);
          expect(a.stats.finish).toBe(b.stats.finish);
        },
      ),
      { numRuns: 300 },
    );
  });

  it("would depend on it if it ran any rows it liked", async () => {
    const model = { variantBelow: 2, contextLimit: 400 };
    const fixed = (positions: number) => createScheduler({ policy: "fixed", positions });
    const prompt = [1, 2, 3, 4, 5, 6];
    const one = await run(model, fixed(1), prompt, createNgramDrafter());
    const eight = await run(model, fixed(8), prompt, createNgramDrafter());
    expect(one.tokens).not.toEqual(eight.tokens);
  });

  it("runs fewer forwards than tokens on repetitive text, and says where", async () => {
    const scheduler = createScheduler({ profile: profileOf(0) });
    const { stats } = await run(
      { repetition: 1, period: 6 },
      scheduler,
      [1, 2, 3, 4, 5, 6, 1, 2],
      createNgramDrafter(),
    );
    expect(stats.forwards).toBeLessThan(20);
    expect(stats.trace).toHaveLength(stats.forwards);
    expect(Object.values(stats.reasons).reduce((a, b) => a + b)).toBe(stats.forwards);
    expect(stats.reasons["best-value"]).toBeGreaterThan(0);
  });

  it("ends before a stop token, whatever came behind it in the same forward", async () => {
    const model = { repetition: 1, period: 6 };
    const prompt = [1, 2, 3, 4, 5, 6, 1, 2];
    for (const positions of [1, 2, 5, 12]) {
      const runner = createScriptedRunner(model);
      const scheduler = createScheduler({ policy: "fixed", positions });
      const drafter = createNgramDrafter();
      const { tokens, stats } = await decodeAll({ runner, scheduler, drafter, prompt, stopTokens: [6] });
      expect(tokens).toEqual([3, 4, 5]);
      expect(stats.finish).toBe("eos");
      expect(runner.cached).toEqual([1, 2, 3, 4, 5, 6, 1, 2, 3, 4]);
    }
  });

  it("ends behind the token at which stop says so", async () => {
    const runner = createScriptedRunner({ repetition: 1, period: 6 });
    const options = { runner, scheduler: plain(), prompt: [1, 2, 3, 4, 5, 6, 1, 2] };
    const { tokens, stats } = await decodeAll({ ...options, stop: (token) => token === 5 });
    expect(tokens).toEqual([3, 4, 5]);
    expect(stats.finish).toBe("stop");
  });

  it("leaves the text in the cache when the caller breaks inside a forward's tokens, and goes on from there", async () => {
    const prompt = [1, 2, 3, 4, 5, 6, 1, 2];
    const runner = createScriptedRunner({ repetition: 0.9, period: 6 });
    const scheduler = createScheduler({ policy: "fixed", positions: 8 });
    const drafter = createNgramDrafter();
    const finished: DecodeStats[] = [];
    const onFinish = (stats: DecodeStats) => finished.push(stats);
    const text = [...prompt];
    for (let part = 0; part < 10; part++) {
      let taken = 0;
      const cached = Math.max(0, Math.min(runner.length, text.length - 1));
      for await (const token of decode({ runner, scheduler, drafter, prompt: [...text], cached, onFinish })) {
        text.push(token);
        if (++taken === 3) break;
      }
      expect(runner.cached).toEqual(text.slice(0, -1));
    }
    expect(finished.map((stats) => stats.finish)).toEqual(new Array(10).fill("returned"));
    const whole = createScriptedRunner({ repetition: 0.9, period: 6 });
    const { tokens } = await decodeAll({ runner: whole, scheduler: plain(), prompt, maxNewTokens: 30 });
    expect(text).toEqual([...prompt, ...tokens]);
  });

  it("throws when aborted, between forwards, and leaves the cache in order", async () => {
    const runner = createScriptedRunner();
    const signal = { aborted: false, reason: new Error("enough") };
    const prompt = [1, 2, 3];
    const tokens: number[] = [];
    let stats: DecodeStats | undefined;
    const onFinish = (totals: DecodeStats) => {
      stats = totals;
    };
    const consume = async () => {
      for await (const token of decode({ runner, scheduler: plain(), prompt, signal, onFinish })) {
        tokens.push(token);
        signal.aborted = tokens.length === 4;
      }
    };
    await expect(consume()).rejects.toMatchObject({ code: "aborted", cause: signal.reason });
    expect(tokens).toHaveLength(4);
    expect(stats?.finish).toBe("aborted");
    expect(runner.cached).toEqual([...prompt, ...tokens].slice(0, -1));

    const untouched = createScriptedRunner();
    await expect(
      decodeAll({ runner: untouched, scheduler: plain(), prompt, signal: { aborted: true } }),
    ).rejects.toThrow(NearfreeError);
    expect(untouched.forwards).toEqual([]);
  });

  it("leaves the cache in order when a forward fails", async () => {
    const runner = createScriptedRunner();
    const forward = runner.forward.bind(runner);
    let calls = 0;
    runner.forward = (...input) => {
      if (++calls === 4) throw new Error("out of memory");
      return forward(...input);
    };
    const tokens: number[] = [];
    const consume = async () => {
      for await (const token of decode({ runner, scheduler: plain(), prompt: [1, 2, 3] })) tokens.push(token);
    };
    await expect(consume()).rejects.toThrow("out of memory");
    expect(runner.cached).toEqual([1, 2, 3, ...tokens].slice(0, -1));
  });

  it("fills the context to its last position and says so", async () => {
    const { tokens, stats } = await run(
      { contextLimit: 32 },
      createScheduler({ profile: profileOf(0) }),
      [1, 2, 3],
      createNgramDrafter(),
    );
    expect(tokens).toHaveLength(30);
    expect(stats.finish).toBe("context");
  });

  it("names what is missing", () => {
    const runner = createScriptedRunner({ contextLimit: 8, vocabularySize: 10 });
    const all = { runner, scheduler: plain(), prompt: [1] };
    for (const missing of ["runner", "scheduler", "prompt"]) {
      expect(() => decode({ ...all, [missing]: undefined } as never)).toThrow(`${missing}: expected`);
    }
    expect(() => decode(undefined as never)).toThrow(expect.objectContaining({ code: "invalid-argument" }));
  });

  it("refuses before anything is run", () => {
    const runner = createScriptedRunner({ contextLimit: 8, vocabularySize: 10 });
    const scheduler = plain();
    const codeOf = (options: { prompt: number[]; maxNewTokens?: number; cached?: number }) => {
      try {
        decode({ runner, scheduler, ...options });
        return "none";
      } catch (error) {
        return error instanceof NearfreeError ? error.code : "other";
      }
    };
    expect(codeOf({ prompt: [] })).toBe("invalid-argument");
    expect(codeOf({ prompt: [10] })).toBe("invalid-argument");
    expect(codeOf({ prompt: [1.5] })).toBe("invalid-argument");
    expect(codeOf({ prompt: [1], maxNewTokens: -1 })).toBe("invalid-argument");
    expect(codeOf({ prompt: [1, 2], cached: 1 })).toBe("invalid-argument");
    expect(codeOf({ prompt: new Array(9).fill(1) })).toBe("context-exceeded");
    expect(codeOf({ prompt: new Array(8).fill(1) })).toBe("none");
    expect(runner.forwards).toEqual([]);
  });

  it("runs the same prefill whatever the schedule, and no draft at one position", async () => {
    const runner = createScriptedRunner();
    const drafter: Drafter = {
      costMs: 0,
      reset: () => expect.fail("drafted"),
      propose: () => expect.fail("drafted"),
      learn: () => expect.fail("drafted"),
    };
    await decodeAll({ runner, scheduler: plain(), drafter, prompt: [1, 2, 3, 4], maxNewTokens: 3 });
    expect(runner.forwards).toEqual([3, 1, 1, 1]);
  });

  it("awaits a drafter that answers later", async () => {
    const ngram = createNgramDrafter();
    const later: Drafter = {
      ...ngram,
      propose: async (max, out) => {
        await Promise.resolve();
        ngram.propose(max, out);
      },
    };
    const model = { repetition: 1, period: 6 };
    const prompt = [1, 2, 3, 4, 5, 6, 1, 2];
    const { stats } = await run(model, createScheduler({ policy: "fixed", positions: 4 }), prompt, later);
    expect(stats.accepted).toBeGreaterThan(80);
  });
});
