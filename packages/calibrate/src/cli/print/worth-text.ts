import type { Profile } from "@nearfree/core";
import { formatSpeedup, knownWorth, toleranceNote, worthHeadline } from "../../report/worth-words.ts";
import { textTable } from "./text-table.ts";

/** What a profile is worth: a sentence, and the best n by how many draft tokens are accepted. */
export function worthText(profile: Profile): string {
  const headline = worthHeadline([profile]);
  const worth = knownWorth(profile);
  if (worth === undefined) return headline;
  const rows = worth.best.map(({ acceptance, positions, speedup }) => [
    acceptance.toString(),
    positions.toString(),
    `${formatSpeedup(speedup)}x`,
  ]);
  const note = toleranceNote(worth);
  return [headline, textTable(["accepted", "best n", "speed-up"], rows), ...(note === undefined ? [] : [note])].join(
    "\n",
  );
}
