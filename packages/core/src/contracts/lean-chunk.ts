/** Positions by which the capacity of a lean KV cache grows. Unused ones cost a product each, and nothing is copied but when it grows. */
export const LEAN_CHUNK = 128;
