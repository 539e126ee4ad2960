import { DEFAULT_EPSILON, type Profile } from "@nearfree/core";

const BAR_COLUMNS = 48;
const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/** A horizontal bar of `columns` character cells, to an eighth of a cell. */
function bar(columns: number): string {
  const whole = Math.floor(columns);
  return "█".repeat(whole) + (EIGHTHS[Math.floor((columns - whole) * 8)] ?? "");
}

/**
 * The measured curve as text: a row for each measured n, a bar as long as r(n) = T(n)/T(1), and a rule where
 * near-free ends (1 + epsilon).
 */
export function curveChart(profile: Pick<Profile, "points" | "baseMs">, epsilon = DEFAULT_EPSILON): string {
  const { points, baseMs } = profile;
  const top = Math.max(1 + epsilon, ...points.map((point) => point.ratio));
  const scale = BAR_COLUMNS / top;
  const rule = Math.round((1 + epsilon) * scale);
  const rows = points.map(({ positions, ratio, low, high, level }) => {
    const cells = [...bar(ratio * scale).padEnd(BAR_COLUMNS)];
    if (cells[rule] === " ") cells[rule] = "│";
    const interval =
      positions === 1 ? "" : `${low.toFixed(2)}-${high.toFixed(2)}${level === "certified" ? "" : ` ${level}`}`;
    return `${String(positions).padStart(5)}  ${ratio.toFixed(2).padStart(5)}  ${cells.join("")}  ${interval}`.trimEnd();
  });
  const head = `    n   r(n)  T(1) = ${baseMs.toFixed(3)} ms; │ marks near-free, r(n) <= ${(1 + epsilon).toFixed(2)}`;
  return [head, ...rows].join("\n");
}
