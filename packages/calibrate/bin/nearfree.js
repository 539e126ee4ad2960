#!/usr/bin/env node
import { existsSync } from "node:fs";

const program = new URL("../dist/cli/main.js", import.meta.url);
if (existsSync(program)) {
  const { main } = await import(program.href);
  process.exitCode = await main(process.argv.slice(2));
} else {
  console.error(
    "nearfree: expected the compiled command, found only its sources; run `npm run build` in the repository",
  );
  process.exitCode = 1;
}
