import {
  createNgramDrafter,
  createScheduler,
  type DecodeOptions,
  type DecodeStats,
  decode,
  NearfreeError,
} from "@nearfree/core";
import { type Command, Option } from "commander";
import { defaultStore } from "../../node/default-store.ts";
import { loadOrCalibrate } from "../../node/load-or-calibrate.ts";
import { type OpenModel, openModel } from "../../node/open-model.ts";
import { loadOrPredict } from "../../node/predict/load-or-predict.ts";
import type { TextCodec } from "../../node/text/text-codec.ts";
import { createTextStream } from "../../node/text/text-stream.ts";
import type { CommandContext, Runs } from "../command-context.ts";
import { reportProgress } from "../print/progress.ts";
import { addModelOptions, type ModelOptions, openOptions, positiveInteger } from "../shared-options.ts";

const POLICIES = ["best-value", "near-free", "plain"] as const;
const CONSISTENCIES = ["auto", "bitwise", "tolerant"] as const;

interface GenerateOptions extends ModelOptions {
  readonly prompt: string;
  readonly maxNewTokens: number;
  readonly policy: (typeof POLICIES)[number];
  readonly consistency: (typeof CONSISTENCIES)[number];
  readonly calibrate: boolean;
}

/** `nearfree generate <folder> --prompt <text>` */
export function defineGenerate(command: Command, runs: Runs): void {
  command
    .argument("<folder>", "a model folder with a tokenizer.json")
    .requiredOption("--prompt <text>", "the text to complete")
    .option("--max-new-tokens <n>", "most tokens to generate", positiveInteger, 256)
    .addOption(new Option("--policy <name>", "how positions are chosen").choices(POLICIES).default("best-value"))
    .addOption(new Option("--consistency <name>", "same bits or same price").choices(CONSISTENCIES).default("auto"))
    .option("--no-calibrate", "where no profile was measured start at once, from a predicted one");
  addModelOptions(command).action(
    runs(async (context, path: string, options: GenerateOptions) => {
      const { output, signal } = context;
      const onWarning = (message: string) => output.log.warn(message);
      output.progress("loading the model");
      const model = await openModel(path, openOptions(options, onWarning));
      try {
        const { codec, folder, runner } = model;
        if (codec === undefined) throw noTokenizer(path);
        const prompt = codec.encode(options.prompt);
        const { profile, origin } = await startingProfile(context, model, options);
        const { consistency } = options;
        const scheduler =
          options.policy === "plain"
            ? createScheduler({ profile, policy: "fixed", positions: 1, consistency })
            : createScheduler({ profile, policy: options.policy, consistency });
        const asked = folder.notGreedy;
        if (asked.length > 0) onWarning(`${path} asks for ${asked.join(", ")}: generate is greedy and does without`);
        await complete(context, codec, origin, {
          runner,
          scheduler,
          drafter: createNgramDrafter(),
          prompt,
          maxNewTokens: options.maxNewTokens,
          stopTokens: folder.eosTokenIds,
          signal,
        });
      } finally {
        await model.release();
      }
    }),
  );
}

/** Shows the text as it comes, and what it took: of a decode that breaks off too. */
async function complete({ output }: CommandContext, codec: TextCodec, origin: string, options: DecodeOptions) {
  const text = createTextStream(codec);
  let completion = "";
  let stats: DecodeStats | undefined;
  const show = (piece: string) => {
    completion += piece;
    output.write(piece);
  };
  const onFinish = (finished: DecodeStats) => {
    stats = finished;
  };
  const report = (how: "result" | "partial") => {
    show(text.end());
    if (stats) output[how]({ completion, origin, stats: jsonStats(stats) }, `\n\n${statsText(stats)}`);
  };
  output.log.debug({ prompt: options.prompt.length }, "decoding");
  try {
    for await (const token of decode({ ...options, onFinish })) show(text.push(token));
  } catch (error) {
    report("partial");
    throw error;
  }
  report("result");
}

/** The measured profile: from the cache, or measured now; or else, where that is not wanted, a predicted one. */
async function startingProfile(
  { output, signal }: CommandContext,
  model: OpenModel,
  { cache, calibrate, consistency, policy }: GenerateOptions,
) {
  const onWarning = (message: string) => output.log.warn(message);
  const store = defaultStore({ root: cache, onWarning });
  if (calibrate) return loadOrCalibrate(model, { store, signal, onEvent: reportProgress(output), onWarning });
  const start = await loadOrPredict(model, { store, root: cache, onWarning });
  if (start.origin !== "cached" && consistency !== "tolerant" && policy !== "plain") {
    onWarning(
      "the profile is predicted: which numbers of positions give the same bits is not known, so one at a time; --consistency tolerant allows more",
    );
  }
  return start;
}

function noTokenizer(path: string): NearfreeError {
  return new NearfreeError({
    code: "missing-file",
    from: "calibrate",
    what: path,
    expected: "a model folder with a tokenizer.json",
    received: "none",
    remedy: "put the model's tokenizer.json beside its config.json",
  });
}

function jsonStats(stats: DecodeStats) {
  return { ...stats, trace: [...stats.trace], tokensPerSecond: tokensPerSecond(stats) };
}

const tokensPerSecond = ({ tokens, decodeMs }: DecodeStats) => (decodeMs > 0 ? (tokens / decodeMs) * 1000 : 0);

function statsText(stats: DecodeStats): string {
  const perForward = stats.forwards > 0 ? stats.tokens / stats.forwards : 0;
  return (
    `${stats.tokens} tokens, ${tokensPerSecond(stats).toFixed(0)} tokens/s, ${perForward.toFixed(2)} tokens per forward, ` +
    `${stats.accepted} of ${stats.verified} draft tokens accepted, ended by ${stats.finish}`
  );
}
