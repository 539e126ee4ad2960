import { cpus } from "node:os";
import { Command } from "commander";

export interface BenchOptions {
  /** A smaller run of the same, at most 60 s. */
  readonly quick: boolean;
  readonly json: boolean;
}

/** The result of a bench: `summary` has stable keys, the rest is detail. */
export interface BenchResult {
  /** null: not measured in this run. */
  readonly summary: Readonly<Record<string, number | null>>;
  readonly [detail: string]: unknown;
}

/**
 * Runs a bench as a command: human lines while it works (stderr), the result at the end (stdout, one JSON line with --json).
 * `addOptions` declares options and arguments of this bench alone.
 */
export async function benchCommand<Options extends BenchOptions>(
  name: string,
  description: string,
  run: (options: Options, say: (line: string) => void, args: readonly string[]) => Promise<BenchResult>,
  addOptions: (command: Command) => void = () => {},
): Promise<void> {
  const command = new Command(name)
    .description(description)
    .option("--quick", "a smaller run of the same, at most 60 s", false)
    .option("--json", "one JSON object on the last line", false);
  addOptions(command);
  const options = command.parse().opts<Options>();
  const result = await run(options, (line) => console.error(line), command.args);
  const machine = { cpu: cpus()[0]?.model.trim() ?? "unknown", cores: cpus().length, node: process.versions.node };
  const whole = { bench: name, date: new Date().toISOString().slice(0, 10), machine, quick: options.quick, ...result };
  if (options.json) {
    console.log(JSON.stringify(whole));
    return;
  }
  console.log(`\n${name}, ${whole.date}, ${machine.cores} cores of ${machine.cpu}, Node ${machine.node}`);
  for (const [key, value] of Object.entries(result.summary)) console.log(`  ${key.padEnd(30)} ${value}`);
}
