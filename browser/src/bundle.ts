import { fileURLToPath } from "node:url";
import { type OutputChunk, rolldown } from "rolldown";

export interface Bundle {
  /** Code by file name. */
  readonly files: ReadonlyMap<string, string>;
  /** What it imports from outside, files of its own excepted. */
  readonly imports: readonly string[];
}

export interface BundleOptions {
  /** Specifiers that stay imports, and what they are then called. */
  readonly keep?: Readonly<Record<string, string>>;
}

const HERE = fileURLToPath(new URL("..", import.meta.url));

/**
 * What a bundler for browsers makes of `entries` (name: specifier), with the packages as they are published. What has no place in a
 * browser, as node:*, shows in `imports`.
 */
export async function bundle(
  entries: Readonly<Record<string, string>>,
  { keep = {} }: BundleOptions = {},
): Promise<Bundle> {
  const build = await rolldown({
    cwd: HERE,
    input: { ...entries },
    platform: "browser",
    // What stays unresolved becomes an import of the output, where it is looked for.
    external: [/^node:/, ...Object.keys(keep)],
    onLog(level, log) {
      if (level === "warn" && log.code !== "UNRESOLVED_IMPORT") throw new Error(log.message);
    },
  });
  try {
    const { output } = await build.generate({ format: "esm", paths: { ...keep } });
    const chunks = output.filter((file): file is OutputChunk => file.type === "chunk");
    const files = new Map(chunks.map(({ fileName, code }) => [fileName, code]));
    const imports = new Set(chunks.flatMap((chunk) => [...chunk.imports, ...chunk.dynamicImports]));
    return { files, imports: [...imports].filter((name) => !files.has(name)).sort() };
  } finally {
    await build.close();
  }
}
