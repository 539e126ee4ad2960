const COLUMN = 58;
const SPARKS = "▁▂▃▄▅▆▇█";

/** Two texts beside each other, cut to `lines` lines of COLUMN characters. */
export function sideBySide(left: string, right: string, lines: number): string {
  const columns = [left, right].map((text) => text.replace(/\s+$/, "").split("\n").slice(0, lines));
  const height = Math.max(...columns.map((column) => column.length));
  const cut = (line: string | undefined) => (line ?? "").slice(0, COLUMN).padEnd(COLUMN);
  return Array.from({ length: height }, (_, i) => `  ${cut(columns[0]![i])} │ ${cut(columns[1]![i])}`.trimEnd()).join(
    "\n",
  );
}

/** Positions over time as one line: each character the mean of a stretch of forwards, on a logarithmic scale up to 32. */
export function sparkline(trace: ArrayLike<number>, width = 64): string {
  const stretch = Math.max(1, trace.length / width);
  let line = "";
  for (let from = 0; from < trace.length; from += stretch) {
    const to = Math.min(trace.length, Math.max(from + 1, from + stretch));
    let sum = 0;
    let count = 0;
    for (let i = Math.floor(from); i < to; i++, count++) sum += trace[i]!;
    const level = Math.round((Math.log2(sum / count) / 5) * (SPARKS.length - 1));
    line += SPARKS[Math.max(0, Math.min(SPARKS.length - 1, level))];
  }
  return line;
}
