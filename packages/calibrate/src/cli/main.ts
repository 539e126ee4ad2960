import { NearfreeError } from "@nearfree/core";
import { Command, CommanderError, Option } from "commander";
import { toFailure } from "../node/to-failure.ts";
import type { Runs } from "./command-context.ts";
import { registerAdvise } from "./commands/advise-command.ts";
import { registerCalibrate } from "./commands/calibrate-command.ts";
import { registerDevice } from "./commands/device-command.ts";
import { registerDoctor } from "./commands/doctor-command.ts";
import { registerExport } from "./commands/export-command.ts";
import { registerGenerate } from "./commands/generate-command.ts";
import { registerImport } from "./commands/import-command.ts";
import { registerPredict } from "./commands/predict-command.ts";
import { registerReport } from "./commands/report-command.ts";
import { registerShow } from "./commands/show-command.ts";
import { catchInterrupts } from "./interrupts.ts";
import { createOutput, LOG_LEVELS, type OutputOptions } from "./output.ts";

/**
 * The `nearfree` command. Exit codes: 0 done, 1 failed while running, 2 bad input or usage, 130 interrupted,
 * 143 terminated.
 * Never prints a stack trace, unless the log level is debug.
 */
export async function main(args: readonly string[], interrupts = catchInterrupts()): Promise<number> {
  const { signal } = interrupts;
  let exitCode = 0;
  const program = new Command("nearfree")
    .description(
      "Measures how many positions an ONNX decoder carries for almost the price of one, and decodes with it.",
    )
    .option("--json", "print one JSON object on the last line of stdout", false)
    .addOption(new Option("--log-level <level>", "what goes to stderr").choices(LOG_LEVELS).default("warn"))
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(`nearfree: ${text}`) });

  const runs: Runs =
    (action) =>
    async (...actionArgs) => {
      const output = createOutput(program.opts<OutputOptions>());
      try {
        if (signal.aborted) throw interruptedAtOnce(signal);
        await action({ output, signal }, ...actionArgs);
      } catch (error) {
        const failure = toFailure(error);
        exitCode = (failure.code === "aborted" && interrupts.exitCode()) || failure.exitCode;
        output.log.debug({ err: error }, "stack");
        output.settle();
        process.stderr.write(`nearfree: ${failure.line}\n`);
        output.failure({ code: failure.code, message: failure.line });
      }
    };
  registerCalibrate(program, runs);
  registerDevice(program, runs);
  registerPredict(program, runs);
  registerAdvise(program, runs);
  registerShow(program, runs);
  registerReport(program, runs);
  registerGenerate(program, runs);
  registerDoctor(program, runs);
  registerExport(program, runs);
  registerImport(program, runs);
  // Shared options stand after the command too: `nearfree show --json`.
  for (const command of program.commands) {
    command.exitOverride().configureOutput({ outputError: (text, write) => write(`nearfree: ${text}`) });
    for (const option of program.options) command.addOption(option);
    command.hook("preAction", (_program, self) => {
      for (const option of program.options) {
        const name = option.attributeName();
        if (self.getOptionValueSource(name) === "cli") program.setOptionValue(name, self.getOptionValue(name));
      }
    });
  }
  try {
    await program.parseAsync([...args], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    exitCode = error.exitCode === 0 ? 0 : 2;
  } finally {
    interrupts.stop();
  }
  return exitCode;
}

function interruptedAtOnce({ reason }: AbortSignal): NearfreeError {
  return new NearfreeError({
    code: "aborted",
    from: "calibrate",
    what: "nearfree",
    expected: "to run to its end",
    received: String(reason),
    remedy: "nothing was begun, start again",
  });
}
