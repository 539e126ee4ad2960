import { EPSILONS, type Profile } from "@nearfree/core";
import { boundaryView, DOUBT } from "../../report/boundary-view.ts";

/** Measured boundary beside the idle-compute baseline, a line for each epsilon, and what the signs of doubt mean where there are any. */
export function boundaryTable(profile: Pick<Profile, "points" | "boundaries" | "idleCompute">): string {
  const idle = profile.idleCompute.positions;
  const views = EPSILONS.map((epsilon) => boundaryView(profile, epsilon));
  const lines = views.map(({ epsilon, prefixFree, level }) => {
    const over = level === "unresolvable" ? "-" : `${(idle / prefixFree).toFixed(1)}x`;
    return `${epsilon.toFixed(2).padStart(7)}  ${`${DOUBT[level]}${prefixFree}`.padStart(8)}  ${String(idle).padStart(12)}  ${over.padStart(15)}`;
  });
  const signs = new Set(views.map(({ level }) => DOUBT[level]));
  const notes = [
    ...(signs.has("~") ? ["~ not decided: within 2% of cost, or the budget was spent"] : []),
    ...(signs.has("?") ? ["? lost in noise: one position is safe"] : []),
  ];
  return ["epsilon  measured  idle-compute  over-prediction", ...lines, ...notes].join("\n");
}
