/** Weights nobody trained, made as fast as memory takes them: xorshift32 (Marsaglia, 2003). Another `seed`, other bytes. */
export function randomWords(count: number, seed: number): Uint32Array {
  const words = new Uint32Array(count);
  // Never 0, where xorshift would stay.
  let state = Math.imul(seed + 1, 0x9e3779b1) | 1;
  for (let i = 0; i < count; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[i] = state;
  }
  return words;
}

export function randomBytes(count: number, seed: number): Uint8Array {
  return new Uint8Array(randomWords(Math.ceil(count / 4), seed).buffer, 0, count);
}

/** Uniform with variance 1 / fanIn, which keeps activations near 1 through any depth. */
export function randomFloats(count: number, fanIn: number, seed: number): Float32Array {
  const words = randomWords(count, seed);
  const limit = Math.sqrt(3 / fanIn);
  const unit = (2 * limit) / 2 ** 32;
  const out = new Float32Array(count);
  for (let i = 0; i < count; i++) out[i] = words[i]! * unit - limit;
  return out;
}
