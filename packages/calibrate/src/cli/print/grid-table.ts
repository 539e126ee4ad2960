import { DEFAULT_EPSILON, type Profile } from "@nearfree/core";

/** The boundaries of a grid: a row for each context, a column for each batch; `~` and the like mark the doubtful. */
export function gridTable(
  profiles: readonly Pick<Profile, "key" | "boundaries" | "run">[],
  epsilon = DEFAULT_EPSILON,
): string {
  const contexts = ascending(profiles.map(({ key }) => key.cell.contextLength));
  const batches = ascending(profiles.map(({ key }) => key.cell.batch));
  const entry = (contextLength: number, batch: number) => {
    const profile = profiles.find(({ key: { cell } }) => cell.contextLength === contextLength && cell.batch === batch);
    const boundary = profile?.boundaries.find((each) => each.epsilon === epsilon);
    if (boundary === undefined) return "-";
    return boundary.level === "certified" ? String(boundary.prefixFree) : `${boundary.level} ${boundary.prefixFree}`;
  };
  const line = (first: string, rest: readonly string[]) =>
    [first.padStart(7), ...rest.map((text) => text.padStart(15))].join("");
  const forwards = profiles.reduce((sum, { run }) => sum + run.forwards, 0);
  return [
    `near-free positions (epsilon ${epsilon}) by context and batch; ${forwards} forwards in all`,
    line(
      "context",
      batches.map((batch) => `batch ${batch}`),
    ),
    ...contexts.map((context) =>
      line(
        String(context),
        batches.map((batch) => entry(context, batch)),
      ),
    ),
  ].join("\n");
}

function ascending(values: readonly number[]): number[] {
  return [...new Set(values)].sort((a, b) => a - b);
}
