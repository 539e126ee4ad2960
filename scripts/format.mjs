// `npm run format`: install, let Biome write what it can mend.
import { exec, install, root } from "./bootstrap.mjs";

install();
exec([`${root}node_modules/@biomejs/biome/bin/biome`, "check", "--write", root]);
