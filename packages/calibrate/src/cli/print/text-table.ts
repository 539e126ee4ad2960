/** A table in plain text: figures right-aligned, the columns that `words` names left-aligned. */
export function textTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  { words = [] }: { readonly words?: readonly number[] } = {},
): string {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => (words.includes(i) ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join("  ")
      .trimEnd();
  return [head, ...rows].map(line).join("\n");
}
