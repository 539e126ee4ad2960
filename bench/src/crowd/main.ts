import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { median } from "@nearfree/calibrate";
import { type Profile, profileStanding } from "@nearfree/core";
import { tinyTs } from "@nearfree/examples";
import { benchCommand } from "../setup/bench-command.ts";

/** Processes that start cold at once, in the rounds of one turn. */
const CROWDS = [1, 4, 16];
const TURNS = 10;
/** How far the profile at the end may be from one that a quiet machine measured, in the middle of every n that both measured. */
const TOLERANCE = 0.05;

const COMMAND = fileURLToPath(new URL("../../../packages/calibrate/bin/nearfree.js", import.meta.url));

/** One round: so many processes on one empty cache at once, then one alone, then a quiet reference on a cache of its own. */
interface Round {
  readonly processes: number;
  /** What each process of the crowd had its profile from. */
  readonly measured: number;
  readonly found: number;
  /** Whether the last start, alone, measured again. */
  readonly again: boolean;
  /** From a quiet profile; null where one of the two is no answer. */
  readonly deviation: Deviation | null;
  /** Of two quiet profiles from each other: what the machine itself allows. */
  readonly control: Deviation | null;
}

/** |r / r quiet - 1| over every n that both profiles measured. */
interface Deviation {
  readonly median: number;
  readonly worst: number;
}

interface Outcome {
  readonly origin: "measured" | "cached";
  readonly profile: Profile;
}

async function calibrate(model: string, cache: string): Promise<Outcome> {
  const args = [COMMAND, "calibrate", model, "--threads", "1", "--cache", cache, "--json"];
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 1 << 24 });
  return JSON.parse(stdout.trimEnd().split("\n").at(-1)!);
}

async function runRound(model: string, processes: number, folder: string): Promise<Round> {
  const cache = join(folder, "crowd");
  const crowd = await Promise.all(Array.from({ length: processes }, () => calibrate(model, cache)));
  const last = await calibrate(model, cache);
  const quiet = await calibrate(model, join(folder, "quiet"));
  const other = await calibrate(model, join(folder, "other"));
  const measured = crowd.filter(({ origin }) => origin === "measured").length;
  return {
    processes,
    measured,
    found: processes - measured,
    again: last.origin === "measured",
    deviation: deviationOf(last.profile, quiet.profile),
    control: deviationOf(other.profile, quiet.profile),
  };
}

function deviationOf(profile: Profile, quiet: Profile): Deviation | null {
  if ([profile, quiet].some((each) => profileStanding(each) !== "whole")) return null;
  const known = new Map(quiet.points.map(({ positions, ratio }) => [positions, ratio]));
  const deviations = profile.points.flatMap(({ positions, ratio }) => {
    const there = known.get(positions);
    return there === undefined ? [] : [Math.abs(ratio / there - 1)];
  });
  return { median: median(deviations), worst: Math.max(...deviations) };
}

function words(deviation: Deviation | null): string {
  if (deviation === null) return "no answer";
  const percent = (share: number) => `${(100 * share).toFixed(1)}%`;
  return `${percent(deviation.median)} (${percent(deviation.worst)} at worst)`;
}

await benchCommand(
  "crowd",
  "rounds of 1, 4 and 16 processes that start cold at once, then quiet: the profile at the end against a quiet one",
  async ({ quick }, say) => {
    const model = await tinyTs("fp32");
    const rounds: Round[] = [];
    for (let turn = 0; turn < (quick ? 1 : TURNS); turn++) {
      // Interleaved, and not always in the same order: what the machine does in an hour hits all alike.
      for (let i = 0; i < CROWDS.length; i++) {
        const folder = await mkdtemp(join(tmpdir(), "nearfree-bench-crowd-"));
        try {
          const round = await runRound(model, CROWDS[(i + turn) % CROWDS.length]!, folder);
          rounds.push(round);
          say(
            `${round.processes} processes: ${round.measured} measured, ${round.found} found it; then ${round.again ? "measured again" : "as stored"}, ` +
              `${words(round.deviation)} from a quiet one; quiet ones from each other ${words(round.control)}`,
          );
        } finally {
          await rm(folder, { recursive: true, force: true });
        }
      }
    }
    const known = (pick: (round: Round) => Deviation | null) => rounds.flatMap((round) => pick(round)?.median ?? []);
    const deviations = known(({ deviation }) => deviation);
    return {
      summary: {
        rounds: rounds.length,
        answered: deviations.length,
        withinFivePercent: deviations.filter((deviation) => deviation <= TOLERANCE).length,
        worst: deviations.length > 0 ? Math.max(...deviations) : null,
        worstControl: Math.max(0, ...known(({ control }) => control)),
      },
      rounds,
    };
  },
);
