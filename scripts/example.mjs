// `npm run example`, `npm run example:own-loop`: install, build, run the README's example or the one named.
import { existsSync } from "node:fs";
import { build, exec, install, root } from "./bootstrap.mjs";

const [name = "readme"] = process.argv.slice(2);
install();
build();
const program = `${root}examples/dist/${name}.js`;
if (!/^[a-z-]+$/.test(name) || !existsSync(program)) {
  console.error(
    `example: expected the name of an example, received ${name}; see the example:* scripts of package.json`,
  );
  process.exit(2);
}
// The README's example takes a model's folder, as anybody's would: here that of the bundled one.
const { tinyTs } = await import(`${root}examples/dist/tiny-ts.js`);
exec([program, ...(name === "readme" ? [await tinyTs("fp32")] : [])]);
