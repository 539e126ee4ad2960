import { readFile, stat } from "node:fs/promises";
import { NearfreeError } from "@nearfree/core";
import type { Command } from "commander";
import { decodeBundle, invalidBundle, MAX_BUNDLE_BYTES } from "../../node/bundle.ts";
import { defaultStore } from "../../node/default-store.ts";
import { type ImportedProfile, importProfiles } from "../../node/import-profiles.ts";
import { openModel } from "../../node/open-model.ts";
import { modelName } from "../../report/model-name.ts";
import type { Runs } from "../command-context.ts";
import { addModelOptions, type ModelOptions, openOptions } from "../shared-options.ts";

/** `nearfree import <bundle> [--model <path>]` */
export function defineImport(command: Command, runs: Runs): void {
  command
    .argument("<bundle>", "a file that `nearfree export` wrote")
    .option("--model <path>", "test the profiles of this model now, not at their first use");
  addModelOptions(command).action(
    runs(async ({ output, signal }, path: string, options: ModelOptions & { model?: string }) => {
      const onWarning = (message: string) => output.log.warn(message);
      const profiles = decodeBundle(await readBundle(path), path);
      const store = defaultStore({ root: options.cache, onWarning });
      output.progress("testing the profiles");
      const model = options.model && (await openModel(options.model, openOptions(options, onWarning)));
      try {
        const outcomes = await importProfiles(profiles, { store, signal, ...(model && { model }) });
        output.result({ profiles: outcomes }, outcomes.map(outcomeText).join("\n"));
        const contradicted = outcomes.find(({ outcome }) => outcome === "contradicted");
        // The others are in the store by now: one that lies is an error all the same.
        if (contradicted) throw refusal(path, contradicted);
      } finally {
        if (model) await model.release();
      }
    }),
  );
}

async function readBundle(path: string): Promise<string> {
  try {
    if ((await stat(path)).size > MAX_BUNDLE_BYTES) throw invalidBundle(path, `more than ${MAX_BUNDLE_BYTES} bytes`);
    return await readFile(path, "utf8");
  } catch (cause) {
    if (cause instanceof NearfreeError) throw cause;
    throw new NearfreeError({
      code: "missing-file",
      from: "calibrate",
      what: path,
      expected: "a bundle of profiles",
      received: (cause as NodeJS.ErrnoException).code ?? String(cause),
      remedy: "check the path",
      cause,
    });
  }
}

const OUTCOMES: Record<ImportedProfile["outcome"], string> = {
  confirmed: "confirmed by this machine",
  unconfirmed: "stored, to be tested at its first use",
  contradicted: "refused",
  known: "not taken: this machine has measured it itself",
  predicted: "not stored: nothing was measured, it was only predicted",
};

function outcomeText({ key, label, outcome, reason }: ImportedProfile): string {
  const { cell, environment } = key;
  const what = `${modelName({ label, model: key.model })} on ${environment.executionProvider}, context ${cell.contextLength}, batch ${cell.batch}`;
  return `${what}: ${OUTCOMES[outcome]}${reason === undefined ? "" : ` (${reason})`}`;
}

function refusal(path: string, { key, label, reason = "" }: ImportedProfile): NearfreeError {
  return new NearfreeError({
    code: "profile-contradicted",
    from: "calibrate",
    what: `${path}, ${modelName({ label, model: key.model })}`,
    expected: "the costs and bits of its profile",
    received: `others on this machine: ${reason}`,
    remedy: "measure here with `nearfree calibrate`",
  });
}
