import type { Profile, ProfileStore } from "@nearfree/core";
import type { GraphSummary } from "@nearfree/core/principle";

/**
 * What a profile of the model in `store`, of any environment and cell, says of its routing (`Profile.uniqueExperts`): that depends on
 * weights and text alone. The store is not read for a dense model.
 */
export async function knownRouting(
  { modules, structureHash }: GraphSummary,
  store: ProfileStore,
): Promise<Profile["uniqueExperts"]> {
  if (!modules.some(({ experts }) => experts !== undefined)) return undefined;
  const profiles = await store.list();
  return profiles.find(({ key, uniqueExperts }) => key.model === structureHash && uniqueExperts)?.uniqueExperts;
}
