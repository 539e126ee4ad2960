// `npm run bench:<name> -- [options]`: install, build, run one bench. Every bench takes --json and --quick.
import { existsSync } from "node:fs";
import { build, exec, install, root } from "./bootstrap.mjs";

const [name, ...options] = process.argv.slice(2);
install();
build();
const program = `${root}bench/dist/${name}/main.js`;
if (!/^[a-z-]+$/.test(name ?? "") || !existsSync(program)) {
  console.error(
    `bench: expected the name of a bench, received ${name ?? "nothing"}; see the bench:* scripts of package.json`,
  );
  process.exit(2);
}
exec([program, ...options]);
