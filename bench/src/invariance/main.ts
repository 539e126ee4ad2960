import { createRandom } from "@nearfree/calibrate";
import { NearfreeError } from "@nearfree/core";
import { type BenchOptions, benchCommand } from "../setup/bench-command.ts";
import {
  BENCH_MODELS,
  type BenchEnvironment,
  type BenchModel,
  environmentsNamed,
  modelsNamed,
} from "../setup/bench-models.ts";
import { benchTokens } from "../setup/bench-tokens.ts";
import { openIn } from "../setup/open-in.ts";
import { timeLimit } from "../setup/time-limit.ts";
import { compareSchedules, type ScheduleReport } from "./compare-schedules.ts";
import { type InvarianceReport, MAX_POSITIONS, measureInvariance } from "./measure-invariance.ts";

const CONTEXT = 128;
/** Members of a class worth scheduling in: where bits follow the routing or the other rows, a few n agree by chance. */
const LEAST_CLASS = 8;
/** Positions that a schedule runs through before it starts again; within the context of the bundled model. */
const SPAN = 256;

interface Size {
  readonly models: readonly BenchModel[];
  readonly windows: number;
  readonly flipRows: number;
  /** Rows of random schedules for each model and environment. */
  readonly scheduleRows: number;
  /** Seconds each for the classes, the flips and the schedules of one model in one environment. */
  readonly seconds: number;
}
const FULL: Size = { models: BENCH_MODELS, windows: 4, flipRows: 512, scheduleRows: 10_000, seconds: 10 };
const QUICK: Size = {
  models: modelsNamed("tiny-ts-fp32,tiny-ts-int4"),
  windows: 2,
  flipRows: 64,
  scheduleRows: 1500,
  seconds: 4,
};

interface Measured extends InvarianceReport {
  readonly model: string;
  readonly weights: BenchModel["weights"];
  readonly ep: string;
  readonly threads: number;
  /** Absent where hardly any two n give the same bits: then there is nothing to schedule between. */
  readonly schedules?: ScheduleReport;
}

interface NotMeasured {
  /** `all` where the execution provider is not there. */
  readonly model: string;
  readonly ep: string;
  readonly threads: number;
  readonly why: string;
}

async function measure(
  model: BenchModel,
  environment: BenchEnvironment,
  size: Size,
  tokens: Int32Array,
): Promise<Measured> {
  const open = await openIn(model, environment, "original");
  try {
    const { runner } = open;
    const report = await measureInvariance(runner, tokens, {
      contextLength: CONTEXT,
      windows: size.windows,
      rows: size.flipRows,
      seconds: size.seconds,
    });
    const widths = [...report.classes].sort((a, b) => b.length - a.length)[0]!;
    const { name, weights } = model;
    if (widths.length < LEAST_CLASS) return { model: name, weights, ...environment, ...report };
    const schedules = await compareSchedules(runner, tokens, {
      widths,
      contextLength: CONTEXT,
      span: SPAN,
      rows: size.scheduleRows,
      random: createRandom(7),
      within: timeLimit(size.seconds),
    });
    return { model: name, weights, ...environment, ...report, schedules };
  } finally {
    await open.release();
  }
}

/** 1 2-6 8 from [1, 2, 3, 4, 5, 6, 8]. */
function ranges(members: readonly number[]): string {
  const parts: string[] = [];
  for (let i = 0; i < members.length; ) {
    let end = i;
    while (members[end + 1] === members[end]! + 1) end++;
    parts.push(end === i ? `${members[i]}` : `${members[i]}-${members[end]}`);
    i = end + 1;
  }
  return parts.join(" ");
}

function describeClasses({ classes }: Measured): string {
  return classes.length > 6 ? `${classes.length} classes` : classes.map(ranges).join(" | ");
}

function describeOne(one: Measured): string {
  const { rows = 0, mismatches = 0 } = one.schedules ?? {};
  return (
    `${one.model.padEnd(24)}${one.ep} ${one.threads}: ${describeClasses(one)}; ` +
    `difference ${one.maxDifference.toExponential(1)}, ${one.argmaxFlips} flips in ${one.rows} rows; ` +
    `${mismatches} mismatches in ${rows} scheduled rows`
  );
}

function summarise(measured: readonly Measured[]) {
  const sum = (of: (each: Measured) => number) => measured.reduce((total, each) => total + of(each), 0);
  const largest = (weights: string) =>
    measured.filter((each) => each.weights === weights).reduce((most, each) => Math.max(most, each.maxDifference), 0);
  return {
    models: new Set(measured.map((each) => each.model)).size,
    rows: sum((each) => each.schedules?.rows ?? 0),
    mismatches: sum((each) => each.schedules?.mismatches ?? 0),
    fp32MaxDifference: largest("fp32"),
    int4MaxDifference: largest("int4"),
  };
}

await benchCommand<BenchOptions & { readonly models?: string; readonly environments?: string }>(
  "invariance",
  "for which n a row's logits keep their bits, and random schedules against a fixed one, bit for bit",
  async ({ quick, models, environments: chosen }, say) => {
    const size = quick ? QUICK : FULL;
    const tokens = await benchTokens(CONTEXT + SPAN + size.windows * MAX_POSITIONS + size.flipRows + MAX_POSITIONS);
    const measured: Measured[] = [];
    const notMeasured: NotMeasured[] = [];
    const environments = new Set(environmentsNamed(chosen));
    for (const model of models === undefined ? size.models : modelsNamed(models)) {
      for (const environment of environments) {
        try {
          const one = await measure(model, environment, size, tokens);
          measured.push(one);
          say(describeOne(one));
        } catch (error) {
          const why = (error instanceof Error ? error.message : String(error)).split("\n")[0]!;
          const absent = error instanceof NearfreeError && error.code === "unsupported-execution-provider";
          if (absent) environments.delete(environment);
          notMeasured.push({ model: absent ? "all" : model.name, ...environment, why });
          say(`${absent ? "every model" : model.name}, ${environment.ep} ${environment.threads}: not measured: ${why}`);
        }
      }
    }
    return { summary: summarise(measured), context: CONTEXT, measured, notMeasured };
  },
  (command) =>
    command
      .option("--models <names>", "comma-separated; default all")
      .option("--environments <names>", "some of cpu-1, cpu-2, wasm-1, webgpu-1; default all at hand"),
);
