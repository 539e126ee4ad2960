import type { Profile } from "@nearfree/core";
import { formatCount, formatRanges, formatScientific } from "./format.ts";
import { html, type Markup } from "./markup.ts";
import { facts } from "./table.ts";

/** For which n a row's logits are the same bits, and what the difference between the others amounts to. */
export function invarianceFacts({
  invariance: { classes, maxDifference, rows, argmaxFlips, dependent, coarse },
  points,
}: Profile): Markup {
  if (classes.length === 0)
    return facts("Bits of the logits", [["classes", "not measured: what was run gives no logits"]]);
  if (dependent !== undefined) return facts("Bits of the logits", [["one position at a time", dependent]]);
  const measured = points.map(({ positions }) => positions);
  const pills = classes.map((members) => html`<span class="class">${formatRanges(runs(members, measured))}</span> `);
  const kernels: [string, string][] = coarse === undefined ? [] : [["coarse kernels", coarse]];
  const single = classes.length === 1 && classes[0]!.length <= 1;
  if (single) return facts("Bits of the logits", [["classes", "not measured beyond n = 1"]]);
  if (classes.length === 1)
    return facts("Bits of the logits", [["one class", html`${pills} every n gives the same bits`], ...kernels]);
  return facts("Bits of the logits", [
    ["the same bits within", pills],
    ["largest difference", `${formatScientific(maxDifference)} in a logit`],
    ["argmax", `${formatCount(argmaxFlips, "flip")} in ${formatCount(rows, "row")}`],
    ...kernels,
  ]);
}

/** Members without a measured n between them as one range. */
function runs(members: readonly number[], measured: readonly number[]): [number, number][] {
  const out: [number, number][] = [];
  for (const n of members) {
    const last = out.at(-1);
    const between = last !== undefined && measured.some((other) => other > last[1] && other < n);
    if (last === undefined || between) out.push([n, n]);
    else last[1] = n;
  }
  return out;
}
