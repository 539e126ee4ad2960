/** Token ids as configuration files hold them: one, a list, or none. */
export function tokenIds(value: unknown): number[] {
  return [value].flat().filter((id): id is number => Number.isSafeInteger(id) && (id as number) >= 0);
}
