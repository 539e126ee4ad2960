import type { Command } from "commander";
import { defaultStore } from "../../node/default-store.ts";
import { chooseProfiles } from "../choose-profiles.ts";
import type { Runs } from "../command-context.ts";
import { profileText } from "../print/profile-text.ts";
import { addCacheOption } from "../shared-options.ts";

/** `nearfree show [name]` */
export function defineShow(command: Command, runs: Runs): void {
  command.argument("[name]", "only models of this label, or whose structure hash starts with this");
  addCacheOption(command).action(
    runs(async ({ output }, name: string | undefined, options: { cache?: string }) => {
      const store = defaultStore({ root: options.cache, onWarning: (message) => output.log.warn(message) });
      const profiles = chooseProfiles(await store.list(), name).sort((a, b) =>
        b.measuredAt.localeCompare(a.measuredAt),
      );
      const none = "no profiles yet; run `nearfree calibrate <model>`";
      output.result({ profiles }, profiles.map(profileText).join(`\n\n${"─".repeat(80)}\n\n`) || none);
    }),
  );
}
