import type { Curve } from "./bench-curve.ts";

export type Say = (line: string) => void;

/** One line: predicted against measured, and the rivals. */
export function sayCurve(
  { name, ep, threads, contextLength, form, measuredMs, predictedMs, tError, originalTError, ratioError, cases }: Curve,
  say: Say,
): void {
  const boundaries = cases.map(
    ({ epsilon, predicted, measured, idleCompute, sameStair, limit, rivals }) =>
      `${epsilon}: ${predicted}/${measured}/${idleCompute}${sameStair ? "" : "!"} (${Object.values(rivals)
        .map(({ boundary }) => boundary)
        .join(",")}) ${epsilon === 0.1 ? limit : ""}`,
  );
  const original = originalTError === undefined ? "" : ` (${percent(originalTError)} as the original)`;
  say(
    `${name} ${ep}-${threads} context ${contextLength}, cache ${form}: T(1) ${predictedMs[0]}/${measuredMs} ms, T(n) ${percent(tError)}${original}, r(n) ${percent(ratioError)}; predicted/measured/idle ${boundaries.join("  ")}`,
  );
}

const percent = (share: number) => (Number.isNaN(share) ? "-" : `${(100 * share).toFixed(1)}%`);
