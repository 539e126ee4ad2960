import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createScheduler, type Drafter, decodeAll, type Profile, type Runner } from "@nearfree/core";

/** What a folder of a real export was seen to write, one position at a time. */
export interface Golden {
  readonly prompts: readonly (readonly number[])[];
  readonly tokens: readonly (readonly number[])[];
}

export function readGolden(folder: string): Golden {
  return JSON.parse(readFileSync(join(folder, "golden.json"), "utf8"));
}

/** A drafter that knows the text, `shift` away from its tokens: 0 is always right, anything else always wrong. */
export function knowingDrafter(text: readonly number[], shift: number, vocabularySize: number): Drafter {
  let at = 0;
  return {
    costMs: 0,
    reset(context) {
      at = context.length;
    },
    propose(max, out) {
      out.length = Math.min(max, out.tokens.length, Math.max(0, text.length - at));
      for (let k = 0; k < out.length; k++) {
        out.tokens[k] = (text[at + k]! + shift) % vocabularySize;
        out.confidence[k] = 0.9;
      }
    },
    learn(_, count) {
      at += count;
    },
  };
}

export interface SchedulesDecoded {
  readonly plain: readonly number[];
  /** Tokens by the scheduler with drafts that are always right, and always wrong. */
  readonly right: readonly number[];
  readonly wrong: readonly number[];
  /** Most positions that a forward had. */
  readonly widest: number;
}

/** Decodes a prompt as a user with this profile would, and one position at a time within the class that the scheduler keeps to. */
export async function decodeSchedules(
  runner: Runner,
  profile: Profile,
  prompt: readonly number[],
  count: number,
): Promise<SchedulesDecoded> {
  const { vocabularySize } = runner.describe();
  const consistency = createScheduler({ profile }).consistency;
  const run = async (drafter: Drafter | undefined, positions?: number) => {
    const scheduler =
      positions === undefined
        ? createScheduler({ profile })
        : createScheduler({ profile, policy: "fixed", positions, consistency });
    let widest = 0;
    const measured: Runner = {
      describe: () => runner.describe(),
      get length() {
        return runner.length;
      },
      forward(tokens, rows) {
        if (runner.length >= prompt.length - 1) widest = Math.max(widest, tokens.length);
        return runner.forward(tokens, rows);
      },
      rewind: (length) => runner.rewind(length),
      release: async () => {},
    };
    runner.rewind(0);
    const options = { runner: measured, scheduler, prompt, maxNewTokens: count, ...(drafter && { drafter }) };
    return { tokens: (await decodeAll(options)).tokens, widest };
  };
  const plain = (await run(undefined, 1)).tokens;
  const text = [...prompt, ...plain];
  const right = await run(knowingDrafter(text, 0, vocabularySize));
  const wrong = await run(knowingDrafter(text, 1, vocabularySize));
  const fixed = await run(knowingDrafter(text, 0, vocabularySize), 8);
  if (`${fixed.tokens}` !== `${plain}`) throw new Error(`fixed 8: ${fixed.tokens} is not ${plain}`);
  return { plain, right: right.tokens, wrong: wrong.tokens, widest: Math.max(right.widest, wrong.widest) };
}
