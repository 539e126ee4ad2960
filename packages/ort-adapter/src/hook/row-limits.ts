import type { RowTraits } from "../onnx/graph/rows/row-traits.ts";

/**
 * How many rows a forward of a session may have, whatever pays: one where rows depend on each other or forwards cannot be followed, and
 * none across a wall of the graph. What it finds out is for every sequence of the session, and is told once.
 */
export class RowLimits {
  readonly #walls: readonly number[];
  readonly #onWarning: ((message: string) => void) | undefined;
  #single: boolean;

  constructor(traits: Partial<RowTraits>, onWarning: ((message: string) => void) | undefined) {
    this.#walls = traits.walls ?? [];
    this.#onWarning = onWarning;
    this.#single = false;
    if (traits.dependence !== undefined) this.allowOne(`rows depend on each other: ${traits.dependence}`);
  }

  /** Only one row at a time from here on, because of `reason`. */
  allowOne(reason: string): void {
    if (this.#single) return;
    this.#single = true;
    this.#onWarning?.(`[ort-adapter] wrapSession: one position is planned at a time from here on; ${reason}`);
  }

  get single(): boolean {
    return this.#single;
  }

  /** Most rows of a forward on `contextLength` positions. */
  room(contextLength: number): number {
    if (this.#single) return 1;
    const wall = this.#walls.find((each) => each > contextLength);
    return wall === undefined ? Number.POSITIVE_INFINITY : wall - contextLength;
  }
}
