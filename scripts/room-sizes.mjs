// Part of `npm run check`: no folder of a src/ grows past what one glance takes in. Prints what does, one line each.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** Files of code in one folder, tests apart, beside its folders. */
const MOST_FILES = 20;
/** Entries at the top of a package's src/, files and folders together. The benches are a list, a folder each. */
const MOST_AT_TOP = 12;
const HOUSES = ["packages/core", "packages/ort-adapter", "packages/calibrate", "examples", "bench", "browser"];
const isCode = (name) => name.endsWith(".ts") && !/\.test(-d)?\.ts$/.test(name);

/** What is crowded among the folders of `src`, of which `files` are the paths inside, `/` between folders. */
export function crowdedRooms(src, files) {
  const counts = new Map();
  const top = new Set();
  for (const file of files.filter(isCode)) {
    const folders = file.split("/").slice(0, -1);
    const room = [src, ...folders].join("/");
    counts.set(room, (counts.get(room) ?? 0) + 1);
    top.add(file.split("/")[0]);
  }
  const crowded = [...counts].filter(([, count]) => count > MOST_FILES);
  return [
    ...crowded.map(
      ([room, count]) => `${room}: expected at most ${MOST_FILES} files of code, found ${count}; open a room`,
    ),
    ...(src.startsWith("packages/") && top.size > MOST_AT_TOP
      ? [`${src}: expected at most ${MOST_AT_TOP} entries, found ${top.size}; open a room`]
      : []),
  ];
}

function filesIn(folder, prefix = "") {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? filesIn(join(folder, entry.name), `${prefix}${entry.name}/`) : [prefix + entry.name],
  );
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const root = fileURLToPath(new URL("..", import.meta.url));
  const crowded = HOUSES.flatMap((house) => crowdedRooms(`${house}/src`, filesIn(join(root, house, "src"))));
  for (const line of crowded) console.log(line);
  process.exitCode = crowded.length > 0 ? 1 : 0;
}
