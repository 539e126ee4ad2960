import { EPSILONS, type Profile, prefixFree } from "@nearfree/core";

/** Measured boundary beside the idle-compute baseline, a line for each epsilon. */
export function boundaryTable(profile: Pick<Profile, "points" | "boundaries" | "idleCompute">): string {
  const idle = profile.idleCompute.positions;
  const lines = EPSILONS.map((epsilon) => {
    const boundary = profile.boundaries.find((candidate) => candidate.epsilon === epsilon);
    const measured = boundary?.prefixFree ?? prefixFree(profile, epsilon);
    const doubt = boundary === undefined || boundary.level === "certified" ? "" : boundary.level;
    const over = `${(idle / measured).toFixed(1)}x`;
    return `${epsilon.toFixed(2).padStart(7)}  ${`${doubt}${measured}`.padStart(8)}  ${String(idle).padStart(12)}  ${over.padStart(15)}`;
  });
  return ["epsilon  measured  idle-compute  over-prediction", ...lines].join("\n");
}
