import type { Profile } from "@nearfree/core";
import { gridVerdict, verdict } from "../../report/verdict.ts";
import { knownWorth, worthHeadline, worthLine } from "../../report/worth-words.ts";

/** What can be done with profiles that are there now. */
export interface NextStep {
  /** The command line that generates text from this profile, where the model's folder has a tokenizer. */
  readonly generate?: string | undefined;
}

/** The last line of a calibration: what was found is worth so much, and what to do with it. */
export function nextStep(profiles: readonly Profile[], { generate }: NextStep): string {
  const code = `createScheduler({ profile${profiles.length === 1 ? "" : ": profiles"} })`;
  if (profiles.every((profile) => knownWorth(profile) === undefined)) {
    return `${worthHeadline(profiles)} Next: calibrate again when the machine is quieter; until then ${code} learns as it goes.`;
  }
  const next = generate === undefined ? code : `${generate}, or ${code}`;
  return `${found(profiles)} Next: ${next}`;
}

function found(profiles: readonly Profile[]): string {
  const [first] = profiles;
  const worth = profiles.length === 1 && knownWorth(first!);
  if (!worth) return `${worthHeadline(profiles)} ${gridVerdict(profiles)}`;
  return `Worth ${worthLine(worth)} of the draft tokens accepted. ${verdict(first!)}`;
}

/** `nearfree generate <folder> --prompt "..."` with what makes it find this profile. */
export function generateLine(
  path: string,
  options: { readonly ep?: string; readonly threads?: number; readonly cache?: string },
): string {
  const given = [
    options.ep !== undefined && options.ep !== "cpu" && `--ep ${options.ep}`,
    options.threads !== undefined && `--threads ${options.threads}`,
    options.cache !== undefined && options.cache !== process.env.NEARFREE_CACHE && `--cache ${quoted(options.cache)}`,
  ].filter((each) => each !== false);
  return ["nearfree generate", quoted(path), ...given, '--prompt "..."'].join(" ");
}

const quoted = (text: string) => (/^[\w./:@%+=,~-]+$/.test(text) ? text : JSON.stringify(text));
