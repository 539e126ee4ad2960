import type { Environment, Profile } from "@nearfree/core";
import { hashOf } from "@nearfree/core/measure";

/** The cells of one model in one environment, measured by one method: what may be compared. */
export interface ProfileGroup {
  readonly id: string;
  /** What the newest profile that says so calls the model. */
  readonly label?: string;
  readonly model: string;
  readonly environment: Environment;
  /** A profile for each cell, by batch and then by context. */
  readonly profiles: readonly Profile[];
}

/** Profiles by model and environment, those measured last first. Of two profiles of one cell the newer one stays. */
export function groupProfiles(profiles: readonly Profile[]): ProfileGroup[] {
  const newestFirst = [...profiles].sort((a, b) => compare(b.measuredAt, a.measuredAt));
  const groups = new Map<string, Map<string, Profile>>();
  for (const profile of newestFirst) {
    const { model, environment, method, cell } = profile.key;
    const id = hashOf({ model, environment, method }).slice(0, 12);
    const cells = groups.get(id) ?? new Map<string, Profile>();
    groups.set(id, cells);
    const name = `${cell.contextLength} ${cell.batch}`;
    if (!cells.has(name)) cells.set(name, profile);
  }
  return [...groups].map(([id, cells]) => {
    const members = [...cells.values()].sort(
      ({ key: { cell: a } }, { key: { cell: b } }) => a.batch - b.batch || a.contextLength - b.contextLength,
    );
    const { model, environment } = members[0]!.key;
    const label = [...cells.values()].find((profile) => profile.label !== undefined)?.label;
    return { id, ...(label !== undefined && { label }), model, environment, profiles: members };
  });
}

// By code unit: the order must not depend on the reader's locale.
const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
