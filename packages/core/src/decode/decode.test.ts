import { describe, expect, it } from "vitest";
import type { Drafter } from "../contracts/drafter.ts";
import { NearfreeError } from "../contracts/errors.ts";
import { createScheduler } from "../schedule/create-scheduler.ts";
import { decodeScripted, invariantProfile, plainScheduler } from "../testing/decode-scripted.ts";
import { createScriptedRunner } from "../testing/scripted-runner.ts";
import { decode, decodeAll } from "./decode.ts";
import { createNgramDrafter } from "./draft/ngram.ts";
import type { DecodeStats } from "./stats.ts";

describe("decode", () => {
  it("runs fewer forwards than tokens on repetitive text, and says where", async () => {
    const scheduler = createScheduler({ profile: invariantProfile(0) });
    const { stats } = await decodeScripted(
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
    const options = { runner, scheduler: plainScheduler(), prompt: [1, 2, 3, 4, 5, 6, 1, 2] };
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
    const { tokens } = await decodeAll({ runner: whole, scheduler: plainScheduler(), prompt, maxNewTokens: 30 });
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
      for await (const token of decode({ runner, scheduler: plainScheduler(), prompt, signal, onFinish })) {
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
      decodeAll({ runner: untouched, scheduler: plainScheduler(), prompt, signal: { aborted: true } }),
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
      for await (const token of decode({ runner, scheduler: plainScheduler(), prompt: [1, 2, 3] })) tokens.push(token);
    };
    await expect(consume()).rejects.toThrow("out of memory");
    expect(runner.cached).toEqual([1, 2, 3, ...tokens].slice(0, -1));
  });

  it("says what failed where the runner cannot be rewound either, and still gives the totals", async () => {
    const runner = createScriptedRunner();
    const lost = new Error("device lost");
    const forward = runner.forward.bind(runner);
    let isLost = false;
    runner.forward = (...input) => {
      isLost ||= runner.forwards.length === 3;
      if (isLost) throw lost;
      return forward(...input);
    };
    Object.defineProperty(runner, "length", {
      get: () => {
        if (isLost) throw new Error("no device");
        return runner.cached.length;
      },
    });
    const finished: DecodeStats[] = [];
    const onFinish = (stats: DecodeStats) => void finished.push(stats);
    const options = { runner, scheduler: plainScheduler(), prompt: [1, 2, 3], onFinish };
    await expect(decodeAll(options)).rejects.toBe(lost);
    expect(finished).toMatchObject([{ finish: "failed", tokens: 2 }]);
  });

  it("fills the context to its last position and says so", async () => {
    const { tokens, stats } = await decodeScripted(
      { contextLimit: 32 },
      createScheduler({ profile: invariantProfile(0) }),
      [1, 2, 3],
      createNgramDrafter(),
    );
    expect(tokens).toHaveLength(30);
    expect(stats.finish).toBe("context");
  });

  it("names what is missing", () => {
    const runner = createScriptedRunner({ contextLimit: 8, vocabularySize: 10 });
    const all = { runner, scheduler: plainScheduler(), prompt: [1] };
    for (const missing of ["runner", "scheduler", "prompt"]) {
      expect(() => decode({ ...all, [missing]: undefined } as never)).toThrow(`${missing}: expected`);
    }
    expect(() => decode(undefined as never)).toThrow(expect.objectContaining({ code: "invalid-argument" }));
  });

  it("refuses before anything is run", () => {
    const runner = createScriptedRunner({ contextLimit: 8, vocabularySize: 10 });
    const scheduler = plainScheduler();
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
    await decodeAll({ runner, scheduler: plainScheduler(), drafter, prompt: [1, 2, 3, 4], maxNewTokens: 3 });
    expect(runner.forwards).toEqual([3, 1, 1, 1]);
  });

  it("plans one position where the runner runs no more rows at once, says so, and asks for no draft", async () => {
    const model = { repetition: 1, period: 6, rowsAtOnce: 1 };
    const drafter: Drafter = { ...createNgramDrafter(), propose: () => expect.fail("drafted") };
    const scheduler = createScheduler({
      policy: "fixed",
      positions: 8,
      profile: invariantProfile(3),
      consistency: "bitwise",
    });
    expect(scheduler.minRows).toBe(2);
    const { tokens, stats } = await decodeScripted(model, scheduler, [1, 2, 3, 4, 5, 6, 1, 2], drafter);
    expect(stats.reasons).toEqual({ unsupported: stats.forwards });
    expect(new Set(stats.trace)).toEqual(new Set([1]));
    const plain = await decodeScripted({ repetition: 1, period: 6 }, plainScheduler(), [1, 2, 3, 4, 5, 6, 1, 2]);
    expect(tokens).toEqual(plain.tokens);
  });

  it("runs no more rows in a forward than the runner runs at once", async () => {
    const runner = createScriptedRunner({ repetition: 1, period: 6, rowsAtOnce: 5 });
    const scheduler = createScheduler({ policy: "fixed", positions: 8 });
    const prompt = [1, 2, 3, 4, 5, 6, 1, 2];
    await decodeAll({ runner, scheduler, drafter: createNgramDrafter(), prompt, maxNewTokens: 60 });
    expect(Math.max(...runner.forwards.slice(1))).toBe(5);
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
    const { stats } = await decodeScripted(model, createScheduler({ policy: "fixed", positions: 4 }), prompt, later);
    expect(stats.accepted).toBeGreaterThan(80);
  });
});
