import type { Command } from "commander";
import { defaultStore } from "../../node/default-store.ts";
import type { Runs } from "../command-context.ts";
import { profileText } from "../print/profile-text.ts";
import { addCacheOption } from "../shared-options.ts";

/** `nearfree show` */
export function registerShow(program: Command, runs: Runs): void {
  const command = program
    .command("show")
    .description("show the cached profiles, newest first")
    .argument("[model]", "only models whose structure hash starts with this");
  addCacheOption(command).action(
    runs(async ({ output }, model: string | undefined, options: { cache?: string }) => {
      const store = defaultStore({ root: options.cache, onWarning: (message) => output.log.warn(message) });
      const profiles = (await store.list())
        .filter(({ key }) => key.model.startsWith(model ?? ""))
        .sort((a, b) => b.measuredAt.localeCompare(a.measuredAt));
      const none = "no profiles yet; run `nearfree calibrate <model>`";
      output.result({ profiles }, profiles.map(profileText).join(`\n\n${"─".repeat(80)}\n\n`) || none);
    }),
  );
}
