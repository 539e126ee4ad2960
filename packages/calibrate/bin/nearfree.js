#!/usr/bin/env node
import { existsSync } from "node:fs";

const program = new URL("../dist/cli/main.js", import.meta.url);
if (existsSync(program)) {
  // Before all else is loaded: Ctrl-C in the first moments has its exit code too.
  const { catchInterrupts } = await import("../dist/cli/interrupts.js");
  const interrupts = catchInterrupts();
  const { main } = await import(program.href);
  process.exitCode = await main(process.argv.slice(2), interrupts);
} else {
  console.error(
    "nearfree: expected the compiled command, found only its sources; run `npm run build` in the repository",
  );
  process.exitCode = 1;
}
