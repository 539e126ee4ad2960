import { NearfreeError, profileStanding } from "@nearfree/core";
import type { Command } from "commander";
import { encodeBundle } from "../../node/bundle.ts";
import { defaultStore } from "../../node/default-store.ts";
import { chooseProfiles } from "../choose-profiles.ts";
import type { Runs } from "../command-context.ts";
import { addCacheOption } from "../shared-options.ts";
import { writeOutputFile } from "../write-output-file.ts";

/** `nearfree export [name] --out <file>` */
export function defineExport(command: Command, runs: Runs): void {
  command
    .argument("[name]", "only models of this label, or whose structure hash starts with this")
    .requiredOption("--out <file>", "the bundle to write");
  addCacheOption(command).action(
    runs(async ({ output }, name: string | undefined, { out, cache }: { out: string; cache?: string }) => {
      const store = defaultStore({ root: cache, onWarning: (message) => output.log.warn(message) });
      const chosen = chooseProfiles(await store.list(), name);
      const whole = chosen.filter((profile) => !["partial", "unresolved"].includes(profileStanding(profile)));
      if (whole.length === 0) throw nothingToExport(name, chosen.length);
      await writeOutputFile(out, encodeBundle(whole));
      const partial = chosen.length - whole.length;
      const rest = partial === 0 ? "" : `; ${partial} left out, since measuring was cut short`;
      output.result({ out, profiles: whole.length, partial }, `${whole.length} profiles written to ${out}${rest}`);
    }),
  );
}

function nothingToExport(name: string | undefined, partial: number): NearfreeError {
  return new NearfreeError({
    code: "invalid-argument",
    from: "calibrate",
    what: "export",
    expected: name === undefined ? "a whole profile in the cache" : `a whole profile of ${name}`,
    received: partial === 0 ? "none" : `${partial} cut short`,
    remedy: "run `nearfree calibrate <model>` first, or see `nearfree show`",
  });
}
