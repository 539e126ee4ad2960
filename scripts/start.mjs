// `npm start`: install, build, run the demo on the bundled model.
import { build, exec, install, root } from "./bootstrap.mjs";

install();
build();
exec([`${root}examples/dist/start.js`, ...process.argv.slice(2)]);
