import { readFileSync } from "node:fs";
import { Command, CommanderError, Option } from "commander";
import type { Runs } from "./command-context.ts";
import { addCommands } from "./command-table.ts";
import { catchInterrupts } from "./interrupts.ts";
import { LOG_LEVELS } from "./log-level.ts";
import type { OutputOptions } from "./output.ts";

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
    .version(version(), "--version", "print the version of nearfree")
    .option("--json", "print one JSON object on the last line of stdout", false)
    .addOption(new Option("--log-level <level>", "what goes to stderr").choices(LOG_LEVELS).default("warn"))
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(`nearfree: ${text}`) });

  const runs: Runs =
    (action) =>
    async (...actionArgs) => {
      const output = (await import("./output.ts")).createOutput(program.opts<OutputOptions>());
      try {
        if (signal.aborted) throw (await import("./interrupted-at-once.ts")).interruptedAtOnce(signal);
        await action({ output, signal }, ...actionArgs);
      } catch (error) {
        const failure = (await import("../node/to-failure.ts")).toFailure(error);
        exitCode = (failure.code === "aborted" && interrupts.exitCode()) || failure.exitCode;
        output.log.debug({ err: error }, "stack");
        output.settle();
        process.stderr.write(`nearfree: ${failure.line}\n`);
        output.failure({ code: failure.code, message: failure.line });
      }
    };
  await addCommands(program, args, runs);
  // Shared options stand after the command too: `nearfree show --json`.
  for (const command of program.commands) {
    command.exitOverride().configureOutput({ outputError: (text, write) => write(`nearfree: ${text}`) });
    for (const option of program.options) if (option.long !== "--version") command.addOption(option);
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

/** Of this package, whose file stands two folders above src/cli and dist/cli alike. */
function version(): string {
  return JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")).version;
}
