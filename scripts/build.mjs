// `npm run build`: install, compile every package.
import { build, install } from "./bootstrap.mjs";

install();
build();
