import type { Command } from "commander";
import type { Runs } from "./command-context.ts";

/** A command as the list of all of them shows it; the rest is loaded when it is asked for. */
export interface CommandEntry {
  readonly name: string;
  /** Its arguments, as in a usage line. */
  readonly takes: string;
  readonly description: string;
  /** What gives the command its arguments, options and action. */
  readonly load: () => Promise<(command: Command, runs: Runs) => void>;
}

/** Every command, in the order of `nearfree --help`. What a command needs is loaded with it: the others start without. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: "calibrate",
    takes: "<model>",
    description: "measure how many positions the model carries for almost the price of one, and keep the profile",
    load: async () => (await import("./commands/calibrate-command.ts")).defineCalibrate,
  },
  {
    name: "device",
    takes: "<model>",
    description: "measure what this device does with each kernel class of a model, at shapes of no model's own",
    load: async () => (await import("./commands/device-command.ts")).defineDevice,
  },
  {
    name: "predict",
    takes: "<model>",
    description: "predict how many positions are near-free, and what limits them, from the graph alone: nothing is run",
    load: async () => (await import("./commands/predict-command.ts")).definePredict,
  },
  {
    name: "advise",
    takes: "<model>",
    description: "predict what other weights, top-k, expert count, context or threads would do on this device",
    load: async () => (await import("./commands/advise-command.ts")).defineAdvise,
  },
  {
    name: "show",
    takes: "[name]",
    description: "show the cached profiles, newest first",
    load: async () => (await import("./commands/show-command.ts")).defineShow,
  },
  {
    name: "report",
    takes: "[name]",
    description: "write the cached profiles as a page that opens anywhere: curves, boundaries, how far to trust them",
    load: async () => (await import("./commands/report-command.ts")).defineReport,
  },
  {
    name: "generate",
    takes: "<folder>",
    description: "complete a prompt, greedily, with as many positions per forward as the profile makes worth it",
    load: async () => (await import("./commands/generate-command.ts")).defineGenerate,
  },
  {
    name: "optimize",
    takes: "<model>",
    description: "write the model again with attention that reads its cache once, and see what that does to it",
    load: async () => (await import("./commands/optimize-command.ts")).defineOptimize,
  },
  {
    name: "doctor",
    takes: "[model]",
    description: "show what nearfree sees: runtime, execution providers, cache; and why a model's profile is not found",
    load: async () => (await import("./commands/doctor-command.ts")).defineDoctor,
  },
  {
    name: "export",
    takes: "[name]",
    description: "write profiles into one file, for other machines of the same kind",
    load: async () => (await import("./commands/export-command.ts")).defineExport,
  },
  {
    name: "import",
    takes: "<bundle>",
    description: "take over the profiles of a bundle; each is tested on this machine before it is used",
    load: async () => (await import("./commands/import-command.ts")).defineImport,
  },
];

/**
 * Adds to `program` the command that `args` ask for, whole; where they ask for none (`--help`, `--version`, a slip of the pen), every
 * command by its name alone.
 */
export async function addCommands(program: Command, args: readonly string[], runs: Runs): Promise<void> {
  const at = args.findIndex((arg) => arg === "-h" || arg === "--help" || COMMANDS.some(({ name }) => name === arg));
  const asked = COMMANDS.find(({ name }) => name === args[at]);
  if (asked === undefined) {
    for (const { name, takes, description } of COMMANDS) program.command(`${name} ${takes}`).description(description);
    return;
  }
  const define = await asked.load();
  define(program.command(asked.name).description(asked.description), runs);
}
