import type { Graph } from "./model.ts";

/** The files of external data that a graph refers to, relative to its folder. */
export function externalLocations({ initializers }: Graph): ReadonlySet<string> {
  return new Set(initializers.flatMap(({ stored }) => stored?.location ?? []));
}
