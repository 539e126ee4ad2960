// `pnpm example`: install, build, run the README's example.
import { build, exec, install, root } from "./bootstrap.mjs";

install();
build();
exec([`${root}examples/dist/readme.js`]);
