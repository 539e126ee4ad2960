import { assembleProfile, calibrate, createModelProbe, InvarianceRecorder, METHOD_VERSION } from "@nearfree/calibrate";
import {
  argmax,
  createNgramDrafter,
  createScheduler,
  decodeAll,
  type Environment,
  type Measurement,
  type Profile,
  type ProfileKey,
  parseProfile,
  type Runner,
  type SchedulerOptions,
} from "@nearfree/core";

/** Enough to go through every stage of a calibration; what it finds depends on the machine. */
const CALIBRATION_BUDGET = { forwards: 40, ms: 2000 };

export interface ExerciseOptions {
  /** The first half is the prompt of the decodes and the context of the calibration. */
  readonly tokens: readonly number[];
  readonly maxPositions: number;
  readonly newTokens: number;
}

/** A decoder calibrated, and decoded by several schedules beside a plain loop. */
export async function exerciseRunner(runner: Runner, environment: Environment, options: ExerciseOptions) {
  const { tokens, maxPositions, newTokens } = options;
  const { kvCache, vocabularySize } = runner.describe();
  const prompt = tokens.slice(0, tokens.length >> 1);
  const invariance = await compareWidths(runner, tokens, prompt.length, maxPositions);
  const plain = await plainLoop(runner, prompt, newTokens);

  const cell = { contextLength: prompt.length, batch: 1 };
  const measurement = await calibrate(createModelProbe(runner, { tokens, contextLength: prompt.length }), {
    clock: () => performance.now(),
    cell,
    maxPositions,
    budget: CALIBRATION_BUDGET,
  });
  const key = { environment, model: "generated", cell, method: METHOD_VERSION };
  const measured = checkedProfile(measurement, key);
  // What a measurement says of costs differs from run to run; these are so cheap that every draft is verified.
  const cheap = checkedProfile({ ...measurement, ...cheapPoints(maxPositions), invariance }, key);

  const decodeBy = async (schedule: SchedulerOptions) => {
    const scheduler = createScheduler(schedule);
    const drafter = createNgramDrafter();
    const { tokens, stats } = await decodeAll({ runner, scheduler, drafter, prompt, maxNewTokens: newTokens });
    return { tokens, forwards: stats.forwards };
  };
  const decodes = {
    measured: await decodeBy({ profile: measured, consistency: "tolerant" }),
    // Whatever forwards cost meanwhile: a scheduler that watches them may take one position.
    wide: await decodeBy({ policy: "fixed", positions: maxPositions, consistency: "tolerant" }),
    bitwisePlain: await decodeBy({ profile: cheap, consistency: "bitwise", policy: "fixed", positions: 1 }),
    bitwise: await decodeBy({ profile: cheap, consistency: "bitwise" }),
  };
  return { kvCache, vocabularySize, invariance, plain, decodes, profile: measured };
}

export type Exercise = Awaited<ReturnType<typeof exerciseRunner>>;

/** Invariance classes of n = 1..maxPositions on one context. */
async function compareWidths(runner: Runner, tokens: readonly number[], context: number, maxPositions: number) {
  const { vocabularySize } = runner.describe();
  const recorder = new InvarianceRecorder();
  await runner.forward(tokens.slice(0, context), 0);
  for (let n = 1; n <= maxPositions; n++) {
    recorder.record(n, await runner.forward(tokens.slice(context, context + n)), vocabularySize);
    runner.rewind(context);
  }
  runner.rewind(0);
  return recorder.result();
}

/** Greedy, one position at a time, without the decode loop or a scheduler. */
async function plainLoop(runner: Runner, prompt: readonly number[], newTokens: number): Promise<number[]> {
  const { vocabularySize } = runner.describe();
  const tokens: number[] = [];
  let logits = await runner.forward(prompt, 1);
  for (;;) {
    tokens.push(argmax(logits, 0, vocabularySize));
    if (tokens.length === newTokens) break;
    logits = await runner.forward(tokens.slice(-1));
  }
  runner.rewind(0);
  return tokens;
}

function cheapPoints(maxPositions: number): Pick<Measurement, "points"> {
  const points = Array.from({ length: maxPositions }, (_, i) => {
    const ratio = 1 + i / 1000;
    return { positions: i + 1, ratio, low: ratio, high: ratio, samples: 1, level: "certified" as const };
  });
  return { points };
}

/** The profile of a measurement, as a store would give it back; the idle-compute baseline plays no part here. */
function checkedProfile(measurement: Measurement, key: ProfileKey): Profile {
  const balance = { flopsPerSecond: 1e9, bytesPerSecond: 1e9 };
  const parts = { key, measurement, balance, bytesPerWeight: 4, measuredAt: new Date(0) };
  const profile = parseProfile(JSON.parse(JSON.stringify(assembleProfile(parts))));
  if (profile === undefined) throw new Error("parseProfile refuses what was measured");
  return profile;
}
