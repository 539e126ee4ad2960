import { cpus } from "node:os";
import { Command } from "commander";

export interface BenchOptions {
  /** A smaller run of the same, at most 60 s. */
  readonly quick: boolean;
  readonly json: boolean;
}

/** The result of a bench: `summary` has stable keys, the rest is detail. */
export interface BenchResult {
  readonly summary: Readonly<Record<string, number>>;
  readonly [detail: string]: unknown;
}

/** Runs a bench as a command: human lines while it works (stderr), the result at the end (stdout, one JSON line with --json). */
export async function benchCommand(
  name: string,
  description: string,
  run: (options: BenchOptions, say: (line: string) => void) => Promise<BenchResult>,
): Promise<void> {
  const command = new Command(name)
    .description(description)
    .option("--quick", "a smaller run of the same, at most 60 s", false)
    .option("--json", "one JSON object on the last line", false)
    .parse();
  const options = command.opts<BenchOptions>();
  const result = await run(options, (line) => console.error(line));
  const machine = { cpu: cpus()[0]?.model.trim() ?? "unknown", cores: cpus().length, node: process.versions.node };
  const whole = { bench: name, date: new Date().toISOString().slice(0, 10), machine, quick: options.quick, ...result };
  if (options.json) {
    console.log(JSON.stringify(whole));
    return;
  }
  console.log(`\n${name}, ${whole.date}, ${machine.cores} cores of ${machine.cpu}, Node ${machine.node}`);
  for (const [key, value] of Object.entries(result.summary)) console.log(`  ${key.padEnd(30)} ${value}`);
}
