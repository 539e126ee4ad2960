import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type Profile, profileStanding } from "@nearfree/core";
import { tinyTs } from "@nearfree/examples";
import { benchCommand } from "../setup/bench-command.ts";

/** Processes that start cold at once, in the rounds of one turn. */
const CROWDS = [1, 4, 16];
const TURNS = 10;
/** How far the profile at the end may be from one that a quiet machine measured, at any n that both measured. */
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
  /** Largest |r / r quiet - 1|; null where one of the two profiles is no answer. */
  readonly deviation: number | null;
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
  const measured = crowd.filter(({ origin }) => origin === "measured").length;
  return {
    processes,
    measured,
    found: processes - measured,
    again: last.origin === "measured",
    deviation: deviationOf(last.profile, quiet.profile),
  };
}

/** Over every n that both measured. */
function deviationOf(profile: Profile, quiet: Profile): number | null {
  if ([profile, quiet].some((each) => profileStanding(each) !== "whole")) return null;
  const known = new Map(quiet.points.map(({ positions, ratio }) => [positions, ratio]));
  const deviations = profile.points.flatMap(({ positions, ratio }) => {
    const there = known.get(positions);
    return there === undefined ? [] : [Math.abs(ratio / there - 1)];
  });
  return Math.max(...deviations);
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
              `${round.deviation === null ? "no answer" : `${(100 * round.deviation).toFixed(1)}% from a quiet one at most`}`,
          );
        } finally {
          await rm(folder, { recursive: true, force: true });
        }
      }
    }
    const within = rounds.filter(({ deviation }) => deviation !== null && deviation <= TOLERANCE).length;
    const deviations = rounds.map(({ deviation }) => deviation);
    const worst = deviations.includes(null) ? null : Math.max(...deviations.map(Number));
    return { summary: { rounds: rounds.length, withinFivePercent: within, worst }, rounds };
  },
);
