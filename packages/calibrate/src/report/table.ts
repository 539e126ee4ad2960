import { type Content, html, type Markup } from "./markup.ts";

export interface Column<Row> {
  readonly head: Content;
  readonly cell: (row: Row) => Content;
  /** Figures stand right-aligned, words left-aligned. Default: a figure. */
  readonly words?: boolean;
}

/** A table of `rows`; the first column names the row. */
export function table<Row>(caption: Content, columns: readonly Column<Row>[], rows: readonly Row[]): Markup {
  const kind = ({ words = false }: Column<Row>) => words && html` class="words"`;
  const heads = columns.map((column) => html`<th scope="col"${kind(column)}>${column.head}</th>`);
  const body = rows.map((row) => {
    const cells = columns.map((column, i) =>
      i === 0
        ? html`<th scope="row"${kind(column)}>${column.cell(row)}</th>`
        : html`<td${kind(column)}>${column.cell(row)}</td>`,
    );
    return html`<tr>${cells}</tr>
`;
  });
  return html`<div class="scroll"><table><caption>${caption}</caption><thead><tr>${heads}</tr></thead><tbody>
${body}</tbody></table></div>
`;
}

/** Names and what they stand for. */
export function facts(caption: Content, entries: readonly (readonly [name: string, value: Content])[]): Markup {
  const rows = entries.map(
    ([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>
`,
  );
  return html`<section class="facts"><h4>${caption}</h4><dl>
${rows}</dl></section>
`;
}
