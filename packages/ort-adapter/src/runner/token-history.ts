/** The tokens of a sequence by their position. Grows as it is written. */
export class TokenHistory {
  #values = new Int32Array(64);

  /** The tokens from position 0 on; what lies behind the last one written is anything. */
  get values(): Int32Array {
    return this.#values;
  }

  write(start: number, tokens: ArrayLike<number>): void {
    this.#makeRoom(start + tokens.length);
    this.#values.set(tokens, start);
  }

  /** Writes the token at `position` again, `count` times behind it. */
  repeat(position: number, count: number): void {
    this.#makeRoom(position + 1 + count);
    this.#values.fill(this.#values[position]!, position + 1, position + 1 + count);
  }

  #makeRoom(size: number): void {
    if (size <= this.#values.length) return;
    const longer = new Int32Array(Math.max(size, 2 * this.#values.length));
    longer.set(this.#values);
    this.#values = longer;
  }
}
