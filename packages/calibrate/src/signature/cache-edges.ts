import type { DeviceSignature } from "@nearfree/core/principle";

/** The cache ends where a byte costs this share of the way to what it costs beyond, and is forgotten this share before it. */
const EDGE_SHARE = 0.15;

/** The two ends of the way from the cost of a byte inside the cache to its cost beyond. */
export function cacheEdges(costs: readonly { bytes: number; msPerByte: number }[]): DeviceSignature["cache"] {
  const low = Math.min(...costs.map(({ msPerByte }) => msPerByte));
  const high = costs.at(-1)!.msPerByte;
  const lowAt = low + EDGE_SHARE * (high - low);
  const highAt = high - EDGE_SHARE * (high - low);
  const insideBytes = costs.findLast(({ msPerByte }) => msPerByte <= lowAt)?.bytes ?? costs[0]!.bytes;
  const beyondBytes = costs.find(({ bytes, msPerByte }) => bytes > insideBytes && msPerByte >= highAt)?.bytes;
  return { insideBytes, beyondBytes: beyondBytes ?? 2 * insideBytes };
}
