import type { Profile } from "@nearfree/core";
import { html, type Markup, printable } from "./markup.ts";

/** Characters of a structure hash that are enough for people. */
const SHORT_HASH = 12;

const shortModel = (model: string): string => model.slice(0, SHORT_HASH);

/** What a model is called and known by. */
export interface NamedModel {
  readonly label?: string | undefined;
  /** Structure hash. */
  readonly model: string;
}

export const namedModel = ({ label, key: { model } }: Pick<Profile, "label" | "key">): NamedModel => ({ label, model });

/** In plain text, label first: `tiny-ts-fp32 (c1b2a3d4e5f6)`. */
export function modelName({ label, model }: NamedModel): string {
  return printable(label === undefined ? `model ${shortModel(model)}` : `${label} (${shortModel(model)})`);
}

/** The same in markup. */
export function modelMarkup({ label, model }: NamedModel): Markup {
  const hash = html`<code>${shortModel(model)}</code>`;
  return label === undefined ? html`model ${hash}` : html`<b>${label}</b> ${hash}`;
}
