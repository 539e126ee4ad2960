/** Text that is markup already: the only thing that `html` does not escape. */
export class Markup {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** What a template may hold: markup, lists of it, or anything else as escaped text. `undefined` and `false` are nothing. */
export type Content = Markup | string | number | false | undefined | readonly Content[];

/** Invalid in XML, or able to reorder what a reader sees: shown as U+FFFD. Line breaks count too, for names are one line. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\p{Bidi_Control}\p{Noncharacter_Code_Point}]/gu;
const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** `text` as one that can be shown: what has no glyph, or moves those of others, becomes U+FFFD. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, "\ufffd");
}

/** Text that is safe in HTML and in XML, between tags and in quoted attributes. */
export function escapeText(text: string): string {
  return printable(text).replace(/[&<>"']/g, (character) => ENTITIES[character]!);
}

/** Template of HTML or SVG in which everything that comes in is escaped, unless it was made by `html` itself. */
export function html(strings: TemplateStringsArray, ...values: readonly Content[]): Markup {
  return new Markup(strings.reduce((text, part, i) => text + contentText(values[i - 1]) + part));
}

function contentText(content: Content): string {
  if (content === undefined || content === false) return "";
  if (content instanceof Markup) return content.text;
  if (typeof content === "object") return content.map(contentText).join("");
  return escapeText(String(content));
}
