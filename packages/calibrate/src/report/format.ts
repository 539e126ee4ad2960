/** Figures as a reader sees them. A minus sign is U+2212, so that signs align with digits. */

export const formatRatio = (ratio: number, decimals = 2): string => ratio.toFixed(ratio < 9.995 ? decimals : 1);

/** Milliseconds to three significant digits. */
export function formatMs(ms: number): string {
  if (ms === 0) return "0 ms";
  if (ms >= 1000) return `${(ms / 1000).toFixed(1)} s`;
  return `${ms >= 100 ? ms.toFixed(0) : ms.toPrecision(3)} ms`;
}

/** Decimals that give a column of figures of at least `least` two significant digits or more. */
export const columnDecimals = (least: number): number =>
  least >= 100 ? 0 : least >= 10 ? 1 : least >= 1 ? 2 : least >= 0.1 ? 3 : 4;

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/** A small or large figure to two digits: `1.4 × 10⁻⁵`. */
export function formatScientific(value: number): string {
  if (value === 0 || (value >= 0.01 && value < 1000)) return String(Number(value.toPrecision(2)));
  const [digits, exponent] = value.toExponential(1).split("e");
  const power = [...String(Math.abs(Number(exponent)))].map((digit) => SUPERSCRIPTS[Number(digit)]).join("");
  return `${digits} × 10${Number(exponent) < 0 ? "⁻" : ""}${power}`;
}

/** A share as a percentage with its sign. */
export function formatChange(change: number): string {
  const percent = (Math.abs(change) * 100).toFixed(1);
  return `${percent === "0.0" ? "±" : change < 0 ? "\u2212" : "+"}${percent}%`;
}

/** SI prefix to three significant digits: 5.2e10 B/s is `52.0 GB/s`. */
export function formatRate(value: number, unit: string): string {
  const prefixes = ["", "k", "M", "G", "T", "P"];
  const power = Math.max(0, Math.min(prefixes.length - 1, Math.floor(Math.log10(value) / 3)));
  return `${(value / 1000 ** power).toPrecision(3)} ${prefixes[power]}${unit}`;
}

/** `1 forward`, `2 forwards`. */
export const formatCount = (count: number, noun: string): string =>
  `${count.toLocaleString("en-US")} ${noun}${count === 1 ? "" : noun.endsWith("s") ? "es" : "s"}`;

/** Ranges of n: `1–4, 8`. */
export function formatRanges(ranges: readonly (readonly [number, number])[]): string {
  return ranges.map(([first, last]) => (first === last ? `${first}` : `${first}–${last}`)).join(", ");
}

/** The minute of an ISO 8601 time, in UTC. Text that is none stays as it is. */
export function formatTime(iso: string): string {
  const time = new Date(iso);
  return Number.isNaN(time.getTime()) ? iso : `${time.toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

/** The smallest of `values` to the largest, or the one that they all read as. */
export function formatSpan(values: readonly number[], format: (value: number) => string, between = "–"): string {
  const [low, high] = [format(Math.min(...values)), format(Math.max(...values))];
  return low === high ? low : `${low}${between}${high}`;
}
