import { NearfreeError, profileStanding } from "@nearfree/core";
import type { Command } from "commander";
import { encodeBundle } from "../../node/bundle.ts";
import { defaultStore } from "../../node/default-store.ts";
import type { Runs } from "../command-context.ts";
import { addCacheOption } from "../shared-options.ts";
import { writeOutputFile } from "../write-output-file.ts";

/** `nearfree export [model-hash-prefix] --out <file>` */
export function registerExport(program: Command, runs: Runs): void {
  const command = program
    .command("export")
    .description("write profiles into one file, for other machines of the same kind")
    .argument("[model]", "only models whose structure hash starts with this")
    .requiredOption("--out <file>", "the bundle to write");
  addCacheOption(command).action(
    runs(async ({ output }, model: string | undefined, { out, cache }: { out: string; cache?: string }) => {
      const store = defaultStore({ root: cache, onWarning: (message) => output.log.warn(message) });
      const chosen = (await store.list()).filter(({ key }) => key.model.startsWith(model ?? ""));
      const whole = chosen.filter((profile) => profileStanding(profile) !== "partial");
      if (whole.length === 0) throw nothingToExport(model, chosen.length);
      await writeOutputFile(out, encodeBundle(whole));
      const partial = chosen.length - whole.length;
      const rest = partial === 0 ? "" : `; ${partial} left out, since measuring was cut short`;
      output.result({ out, profiles: whole.length, partial }, `${whole.length} profiles written to ${out}${rest}`);
    }),
  );
}

function nothingToExport(model: string | undefined, partial: number): NearfreeError {
  return new NearfreeError({
    code: "invalid-argument",
    from: "calibrate",
    what: "export",
    expected: model === undefined ? "a whole profile in the cache" : `a whole profile of a model ${model}...`,
    received: partial === 0 ? "none" : `${partial} cut short`,
    remedy: "run `nearfree calibrate <model>` first, or see `nearfree show`",
  });
}
