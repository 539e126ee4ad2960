export interface ExpertLoadOptions {
  /** Experts of a layer, and how many of them each row goes to. */
  readonly count: number;
  readonly active: number;
  /** Threads that share the experts out among them, in contiguous ranges; the slowest decides. 1 where the kernel runs them in turn. */
  readonly lanes: number;
  readonly maxPositions: number;
  /** Ms of one expert for the rows that came to it; must not fall with them. */
  readonly costOf: (rows: number) => number;
}

/** What a layer of experts does for n rows under even routing. */
export interface ExpertLoads {
  /** unique[n-1]: experts that n rows wake, by `uniqueExperts`. */
  readonly unique: readonly number[];
  /** costMs[n-1]: expected ms of the slowest lane. */
  readonly costMs: readonly number[];
}

/** Draws over which the slowest lane is averaged: its standard error is then about 2%. */
const DRAWS = 256;

/** Experts that `positions` rows wake of `count`, `active` each, under even routing: E(1 - (1 - k/E)^n) (arXiv 2605.30851). */
export function uniqueExperts(count: number, active: number, positions: number): number {
  return count * (1 - (1 - active / count) ** positions);
}

/**
 * Experts that n consecutive positions of a text wake in a layer, [n-1] for n = 1..`maxPositions` or as many as the text has: the mean over
 * layers and over places in the text. `layers`: of each the ids of the experts that its positions went to, row-major
 * [positions, active].
 */
export function measuredUniqueExperts(layers: readonly Int32Array[], active: number, maxPositions: number): number[] {
  if (layers.length === 0) return [];
  const positions = Math.min(...layers.map(({ length }) => Math.floor(length / active)));
  const widest = Math.min(maxPositions, positions);
  const totals = new Array<number>(widest).fill(0);
  const places = positions - widest + 1;
  for (const layer of layers) {
    for (let place = 0; place < places; place++) {
      const woken = new Set<number>();
      for (let n = 0; n < widest; n++) {
        for (let i = 0; i < active; i++) woken.add(layer[(place + n) * active + i]!);
        totals[n]! += woken.size;
      }
    }
  }
  return totals.map((total) => total / (places * layers.length));
}

/**
 * Expected cost of a layer of experts for n = 1..maxPositions. Rows are dealt out at random, the same way on every call, and the
 * n-th row is added to what n - 1 left: so the cost never falls with n.
 */
export function expertLoads({ count, active, lanes, maxPositions, costOf }: ExpertLoadOptions): ExpertLoads {
  const costs = Array.from({ length: maxPositions + 1 }, (_, rows) => (rows === 0 ? 0 : costOf(rows)));
  const costMs = new Array<number>(maxPositions).fill(0);
  const random = createSequence();
  const order = Int32Array.from({ length: count }, (_, id) => id);
  for (let draw = 0; draw < DRAWS; draw++) {
    const rowsOf = new Int32Array(count);
    const laneMs = new Float64Array(lanes);
    for (let n = 1; n <= maxPositions; n++) {
      for (let i = 0; i < active; i++) {
        // The first steps of a shuffle: `active` different experts.
        const j = i + Math.floor(random() * (count - i));
        const id = order[j]!;
        order[j] = order[i]!;
        order[i] = id;
        const rows = ++rowsOf[id]!;
        laneMs[Math.floor((id * lanes) / count)]! += costs[rows]! - costs[rows - 1]!;
      }
      costMs[n - 1]! += laneMs.reduce((most, ms) => Math.max(most, ms), 0) / DRAWS;
    }
  }
  const unique = costMs.map((_, i) => uniqueExperts(count, active, i + 1));
  return { unique, costMs };
}

/** xorshift32 (Marsaglia, 2003) from a fixed seed: uniform in [0, 1). */
function createSequence(): () => number {
  let state = 0x9e3779b1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
