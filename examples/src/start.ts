import { parseArgs } from "node:util";
import { loadOrCalibrate, type OpenModel, openModel, toFailure } from "@nearfree/calibrate/node";
import { boundaryTable, curveChart } from "@nearfree/calibrate/text";
import {
  createNgramDrafter,
  createScheduler,
  type DecodeStats,
  decodeAll,
  prefixFree,
  type Scheduler,
} from "@nearfree/core";
import { heldOutPrompts, type Prompt, VARIED_PROMPTS } from "./prompts.ts";
import { sideBySide, sparkline } from "./side-by-side.ts";
import { tinyTs } from "./tiny-ts.ts";

// The main job, on the bundled model: export it, find out what its forwards cost, decode with that.

const NEW_TOKENS = 160;
/** Plain and scheduled take turns this often; the fastest turn of each counts. */
const TURNS = 3;
const LINES = 14;

interface Run {
  readonly tokens: readonly number[];
  readonly stats: DecodeStats;
}

interface Comparison {
  readonly prompt: Prompt;
  readonly plain: Run;
  readonly scheduled: Run;
  readonly identical: boolean;
}

async function compare(model: OpenModel, prompt: Prompt, plain: Scheduler, scheduled: Scheduler): Promise<Comparison> {
  const ids = model.codec!.encode(prompt.prompt);
  const run = async (scheduler: Scheduler): Promise<Run> => {
    model.runner.rewind(0);
    const drafter = scheduler.maxPositions > 1 ? createNgramDrafter() : undefined;
    const stopTokens = model.folder.eosTokenIds;
    return decodeAll({ runner: model.runner, scheduler, drafter, prompt: ids, maxNewTokens: NEW_TOKENS, stopTokens });
  };
  const plainRuns: Run[] = [];
  const scheduledRuns: Run[] = [];
  for (let turn = 0; turn < TURNS; turn++) {
    plainRuns.push(await run(plain));
    scheduledRuns.push(await run(scheduled));
  }
  const texts = [...plainRuns, ...scheduledRuns].map((done) => done.tokens.join());
  return {
    prompt,
    plain: fastest(plainRuns),
    scheduled: fastest(scheduledRuns),
    identical: texts.every((text) => text === texts[0]),
  };
}

const fastest = (runs: readonly Run[]) => runs.reduce((a, b) => (b.stats.decodeMs < a.stats.decodeMs ? b : a));

/** Tokens per second over all prompts, prefill left out. */
function tokensPerSecond(runs: readonly Run[]): number {
  const total = (pick: (run: Run) => number) => runs.reduce((sum, run) => sum + pick(run), 0);
  return (total((run) => run.tokens.length) / total((run) => run.stats.decodeMs)) * 1000;
}

function describe({ prompt, plain, scheduled, identical }: Comparison, model: OpenModel): string {
  const rate = (run: Run) => `${Math.round(tokensPerSecond([run]))} tokens/s`;
  const { stats, tokens } = scheduled;
  const head = `\n${prompt.kind}: ${prompt.source}`;
  const accepted = stats.forwards === 0 ? 0 : stats.accepted / stats.forwards;
  return [
    head,
    sideBySide(`plain: ${rate(plain)}`, `scheduled: ${rate(scheduled)}`, 1),
    sideBySide(model.codec!.decode(plain.tokens), model.codec!.decode(tokens), LINES),
    `  identical: ${identical ? "yes" : "NO"}; ${accepted.toFixed(2)} draft tokens accepted per forward; positions over time:`,
    `  ${sparkline(stats.trace)}`,
  ].join("\n");
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { json: { type: "boolean", default: false } } });
  const say = (text: string) => void (values.json ? process.stderr : process.stdout).write(`${text}\n`);

  const model = await openModel(await tinyTs("fp32"), { threads: 1 });
  const { executionProvider, threads } = model.environment;
  say(
    `tiny-ts: ${(model.summary.weightBytes / 4e6).toFixed(1)} M parameters, fp32, on ${executionProvider} with ${threads} threads`,
  );
  const { profile, origin } = await loadOrCalibrate(model, { onWarning: say });
  const cost = `${profile.run.forwards} forwards, ${(profile.run.ms / 1000).toFixed(1)} s`;
  say(origin === "measured" ? `calibrated: ${cost}` : `profile found in the cache, nothing measured (it took ${cost})`);
  say(`\n${curveChart(profile)}\n\n${boundaryTable(profile)}`);

  const plain = createScheduler({ profile, policy: "fixed", positions: 1 });
  const scheduled = createScheduler({ profile });
  const all = await heldOutPrompts();
  const comparisons: Comparison[] = [];
  for (const id of VARIED_PROMPTS) {
    const comparison = await compare(model, all.find((prompt) => prompt.id === id)!, plain, scheduled);
    say(describe(comparison, model));
    comparisons.push(comparison);
  }
  await model.release();

  const plainTokensPerSecond = tokensPerSecond(comparisons.map((c) => c.plain));
  const scheduledTokensPerSecond = tokensPerSecond(comparisons.map((c) => c.scheduled));
  const result = {
    plainTokensPerSecond: Math.round(plainTokensPerSecond),
    scheduledTokensPerSecond: Math.round(scheduledTokensPerSecond),
    speedup: Number((scheduledTokensPerSecond / plainTokensPerSecond).toFixed(3)),
    identical: comparisons.every((comparison) => comparison.identical),
    prefixFree: prefixFree(profile, 0.1),
    idleCompute: profile.idleCompute.positions,
    profile: origin,
  };
  say(
    `\n${result.plainTokensPerSecond} tokens/s plain, ${result.scheduledTokensPerSecond} scheduled: ` +
      `${result.speedup.toFixed(2)} times as fast, ${result.identical ? "the same tokens" : "OTHER TOKENS"}`,
  );
  if (values.json) process.stdout.write(`${JSON.stringify(result)}\n`);
  if (!result.identical) process.exitCode = 1;
}

await main().catch((error: unknown) => {
  const { line, exitCode } = toFailure(error);
  process.stderr.write(`nearfree: ${line}\n`);
  process.exitCode = exitCode;
});
