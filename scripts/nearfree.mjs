// `npm run nearfree -- <command>`: install, build, run the command of this repository.
import { build, exec, install, root } from "./bootstrap.mjs";

install();
build();
exec([`${root}packages/calibrate/bin/nearfree.js`, ...process.argv.slice(2)]);
