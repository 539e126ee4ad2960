import { createNgramDrafter, createScheduler, decodeAll, type SchedulerOptions } from "@nearfree/core";
import { createScriptedRunner } from "@nearfree/core/test";
import { describe, expect, it } from "vitest";
import { machineOf, streamOf } from "../testing/plain-course.ts";
import { profileOf } from "./machine.ts";
import { SchedulerPlayer } from "./player.ts";
import { replay, replayFixed } from "./replay.ts";
import { createStream, withDrafts } from "./stream.ts";

const quiet = (length: number) => new Float64Array(length).fill(1);
const RATIOS = Array.from({ length: 32 }, (_, i) => 1 + 0.05 * i + (i >= 8 ? 0.4 : 0));

describe("replay", () => {
  it("adds up the cost of the forwards that the choices lead to", () => {
    const stream = streamOf([2, 1, 0, 1, 0]);
    const machine = machineOf([1, 1.5, 1.75, ...RATIOS.slice(3)], 5);
    const choices = [3, 1, 2];
    const player = { begin() {}, draftLimit: () => 31, choose: () => choices.shift()!, observe() {} };
    // t = 0: three positions, two stand, on to 3; one position, on to 4; the last token is alone.
    expect(replay(stream, machine, player, quiet(5))).toEqual({ ms: 1.75 + 1 + 1, forwards: 3 });
  });

  it("charges a draft to who asks for one, and gives no more tokens than asked for", () => {
    const stream = streamOf([3, 2, 1, 0]);
    const machine = machineOf(RATIOS, 4, 0.25);
    const seen: number[] = [];
    const asking = (limit: number) => ({
      begin() {},
      draftLimit: () => limit,
      choose: ({ drafted }: { drafted: number }) => {
        seen.push(drafted);
        return 1 + drafted;
      },
      observe() {},
    });
    expect(replay(stream, machine, asking(0), quiet(4)).ms).toBeCloseTo(4 * RATIOS[0]!, 12);
    expect(replay(stream, machine, asking(2), quiet(4)).ms).toBeCloseTo(RATIOS[2]! + 0.25 + RATIOS[0]!, 12);
    expect(seen).toEqual([0, 0, 0, 0, 2, 0]);
  });

  it("shows the noise to the player and leaves it out of the total", () => {
    const stream = streamOf([0, 0, 0]);
    const seen: number[] = [];
    const player = {
      begin() {},
      draftLimit: () => 0,
      choose: () => 1,
      observe: ({ forwardMs }: { forwardMs: number }) => void seen.push(forwardMs),
    };
    expect(replay(stream, machineOf([2], 3), player, Float64Array.of(0.9, 1, 1.1)).ms).toBe(6);
    expect(seen).toEqual([1.8, 2, 2.2]);
  });

  it("runs a fixed number as the fixed scheduler does", () => {
    const stream = streamOf([4, 3, 2, 1, 0, 5, 0, 3, 2, 1, 0], [31, 31, 2, 31, 0, 31, 31, 31, 31, 31, 31]);
    const machine = machineOf(RATIOS, stream.length, 0.1);
    for (let positions = 1; positions <= 8; positions++) {
      const player = new SchedulerPlayer(createScheduler({ policy: "fixed", positions }));
      expect(replayFixed(stream, machine, positions)).toEqual(replay(stream, machine, player, quiet(stream.length)));
    }
  });
});

describe("a replay of the scheduler", () => {
  const prompt = [1, 2, 3];
  const TOKENS = 600;
  const model = { seed: 5, contextLimit: 1024, repetition: (length: number) => (length % 300 < 150 ? 0.95 : 0.3) };
  const profile = profileOf("test", 256, Float64Array.from(RATIOS));

  it("takes the very steps of the decode loop, in the very time", async () => {
    const plain = createScriptedRunner(model);
    const { tokens } = await decodeAll({ runner: plain, scheduler: createScheduler(), prompt, maxNewTokens: TOKENS });
    const text = withDrafts({ id: "a", kind: "edit", prompt, tokens }, createNgramDrafter());
    const stream = createStream([{ text, from: 0, to: TOKENS }], { as: "requests" });
    const machine = machineOf(RATIOS, TOKENS);
    const schedulers: SchedulerOptions[] = [
      { profile },
      { profile, policy: "near-free" },
      { profile, maxPositions: 6 },
    ];
    for (const options of schedulers) {
      const runner = createScriptedRunner({ ...model, costMs: (rows) => RATIOS[rows - 1]! });
      const { clock } = runner;
      const drafter = createNgramDrafter();
      const scheduler = createScheduler(options);
      const live = await decodeAll({ runner, scheduler, drafter, prompt, clock, maxNewTokens: TOKENS });
      const trace: number[] = [];
      const player = new SchedulerPlayer(createScheduler(options));
      const replayed = replay(stream, machine, player, quiet(TOKENS), (step) => trace.push(step.positions));
      expect(trace).toEqual(Array.from(live.stats.trace));
      expect(replayed.ms).toBeCloseTo(live.stats.forwardMs, 6);
      expect(new Set(trace).size).toBeGreaterThan(1);
    }
  });
});
