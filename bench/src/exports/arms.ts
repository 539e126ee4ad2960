import {
  createNgramDrafter,
  createScheduler,
  type Drafter,
  decodeAll,
  type Profile,
  type Runner,
} from "@nearfree/core";
import { always, createKnownDrafter, everyThird, never } from "./known-drafter.ts";

/** One text to be decoded: `continuation` is what the plain loop of the same class made of `prompt`. */
interface Text {
  readonly prompt: readonly number[];
  readonly continuation: readonly number[];
}

/** A way of decoding that has to give the tokens of one position at a time. */
interface Arm {
  readonly name: string;
  scheduler(profile: Profile): ReturnType<typeof createScheduler>;
  drafter(text: Text, vocabularySize: number): Drafter;
}

const known = (mistakes: typeof never) => (text: Text, vocabularySize: number) =>
  createKnownDrafter(text.prompt.length, text.continuation, vocabularySize, mistakes);
const fixed = (positions: number) => (profile: Profile) => createScheduler({ profile, policy: "fixed", positions });
const scheduled = (profile: Profile) => createScheduler({ profile });

export const ARMS: readonly Arm[] = [
  { name: "fixed-8", scheduler: fixed(8), drafter: known(everyThird) },
  { name: "fixed-4, always wrong", scheduler: fixed(4), drafter: known(always) },
  { name: "scheduled, always wrong", scheduler: scheduled, drafter: known(always) },
  { name: "scheduled, right", scheduler: scheduled, drafter: known(never) },
  { name: "scheduled, n-gram", scheduler: scheduled, drafter: () => createNgramDrafter() },
];

/** One position at a time, by a runner that reads the prompt in the same way: what the file itself says. */
export async function plainTokens(runner: Runner, prompt: readonly number[], count: number): Promise<number[]> {
  runner.rewind(0);
  const scheduler = createScheduler({ policy: "fixed", positions: 1 });
  return (await decodeAll({ runner, scheduler, prompt, maxNewTokens: count })).tokens;
}

/** The plain loop in the invariance class that every scheduler over `profile` keeps to. */
export async function plainOfClass(
  runner: Runner,
  profile: Profile,
  prompt: readonly number[],
  count: number,
): Promise<number[]> {
  runner.rewind(0);
  return (await decodeAll({ runner, scheduler: fixed(1)(profile), prompt, maxNewTokens: count })).tokens;
}

export async function armTokens(arm: Arm, runner: Runner, profile: Profile, text: Text): Promise<number[]> {
  runner.rewind(0);
  const { vocabularySize } = runner.describe();
  const result = await decodeAll({
    runner,
    scheduler: arm.scheduler(profile),
    drafter: arm.drafter(text, vocabularySize),
    prompt: text.prompt,
    maxNewTokens: text.continuation.length,
  });
  return result.tokens;
}
