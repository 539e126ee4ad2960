import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildDecoder, randomWeights } from "@nearfree/ort-adapter";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { commandWith } from "../../testing/command.ts";
import { TEST_SHAPE, writeModelFolder } from "../../testing/model-folder.ts";

let folder: string;
const at = (name: string) => join(folder, name);
const nearfree = () => commandWith(at("cache"));
const generate = (...args: string[]) =>
  nearfree().run("generate", ...args, "--no-calibrate", "--policy", "plain", "--prompt", "abc");

/** A model folder with `files` beside its own. */
async function modelWith(name: string, files: Record<string, object | string>): Promise<string> {
  const place = await writeModelFolder(at(name));
  for (const [file, content] of Object.entries(files)) {
    await writeFile(join(place, file), typeof content === "string" ? content : JSON.stringify(content));
  }
  return place;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nearfree-generate-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("the end of a text", () => {
  test("nothing at all where the model says at once that it is over", async () => {
    const every = Array.from({ length: TEST_SHAPE.vocabularySize }, (_, id) => id);
    const model = await modelWith("over", { "generation_config.json": { eos_token_id: every } });
    const run = generate(model, "--json");
    expect(run.status, run.stderr).toBe(0);
    expect(JSON.parse(run.last)).toMatchObject({ completion: "", stats: { finish: "eos", tokens: 0, accepted: 0 } });
  });

  test("is what any file says; doctor tells which, and where it comes from", async () => {
    const model = await modelWith("named", {
      "generation_config.json": '\uFEFF{"eos_token_id": [0, 299], "temperature": 1.0, "length_penalty": NaN}',
      "tokenizer_config.json": { eos_token: "a" },
    });
    const doctor = nearfree().run("doctor", model);
    expect(doctor.stdout).toContain(
      "ends a text          0 (generation_config.json, config.json), 299 (generation_config.json), 98 (tokenizer_config.json: a)",
    );
    expect(JSON.parse(nearfree().run("doctor", model, "--json").last).model.endOfText).toHaveLength(3);
  });
});

test("settings that greedy decoding does without are said once, in one line", async () => {
  const settings = { do_sample: true, temperature: 0.6, top_k: 50, top_p: 0.9, eos_token_id: 0 };
  const run = generate(await modelWith("sampled", { "generation_config.json": settings }), "--max-new-tokens", "3");
  expect(run.status).toBe(0);
  const warnings = run.stderr.split("\n").filter((line) => line.includes("greedy"));
  expect(warnings).toEqual([
    expect.stringMatching(/^nearfree: warning: \S+sampled asks for do_sample true, temperature 0\.6, top_p 0\.9: /),
  ]);
  const quiet = generate(await modelWith("greedy", { "generation_config.json": { do_sample: false, temperature: 1 } }));
  expect(quiet.stderr).not.toContain("greedy");
});

describe.skipIf(process.platform === "win32")("a signal", () => {
  const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

  test.each(["SIGINT", "SIGTERM"] as const)("%s in the middle of a text: the statistics so far", async (name) => {
    const model = await writeModelFolder(at(name), largeDecoder());
    await writeFile(join(model, "config.json"), JSON.stringify({ max_position_embeddings: 4000 }));
    const args = ["generate", model, "--no-calibrate", "--policy", "plain", "--prompt", "abc"];
    for (const json of [[], ["--json"]]) {
      const run = await nearfree().runUntil(
        /decoding/,
        (child) => child.kill(name),
        ...args,
        "--max-new-tokens",
        "3900",
        "--log-level",
        "debug",
        ...json,
      );
      expect(run.status, run.stderr).toBe(EXIT_CODES[name]);
      if (json.length > 0) {
        const { stats, error } = JSON.parse(run.last);
        expect(error.code).toBe("aborted");
        expect(stats.finish).toBe("aborted");
        expect(stats.tokens).toBeLessThan(3900);
      } else {
        expect(run.last).toMatch(/^\d+ tokens, \d+ tokens\/s, .* ended by aborted$/);
        expect(run.stderr).toMatch(/^nearfree: \[core\] decode: .* abort/m);
      }
    }
  });

  test.each(["SIGINT", "SIGTERM"] as const)("%s before the text: what was calibrated is kept", async (name) => {
    const model = await writeModelFolder(at(`start-${name}`), largeDecoder());
    const command = commandWith(at(`cache-${name}`));
    const run = await command.runUntil(
      /"msg":"warming"/,
      (child) => child.kill(name),
      ...["generate", model, "--prompt", "abc", "--json", "--log-level", "debug"],
    );
    expect(run.status, run.stderr).toBe(EXIT_CODES[name]);
    expect(JSON.parse(run.last).error.message).toMatch(/interrupt after \d+ forwards; what was measured is kept/);
    const [kept] = JSON.parse(command.run("show", "--json").last).profiles;
    expect(kept.run.stop).toBe("aborted");
  });
});

function largeDecoder() {
  const shape = { ...TEST_SHAPE, hiddenSize: 512, intermediateSize: 2048, layers: 2, heads: 8, headDim: 64 };
  return buildDecoder(
    { shape: { ...shape, contextLimit: 4000 }, attention: "gqa", quantisation: "fp32" },
    randomWeights(1),
  );
}
