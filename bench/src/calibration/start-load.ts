import { Worker } from "node:worker_threads";

/** What runs in the worker: seeded bursts of 50-500 ms, memory-bound and compute-bound in turns, with pauses of the same lengths. */
const BURSTS = `
let state = 0x9e3779b9;
const random = () => {
  state ^= state << 13; state ^= state >>> 17; state ^= state << 5;
  return (state >>> 0) / 2 ** 32;
};
const stretch = () => 50 + 450 * random();
const memory = new Float64Array(8 << 20);
const read = (until) => {
  let sum = 0;
  while (performance.now() < until) for (let i = 0; i < memory.length; i += 8) sum += memory[i]++;
  return sum;
};
const compute = (until) => {
  let x = 1;
  while (performance.now() < until) for (let i = 0; i < 100_000; i++) x = Math.sqrt(x + i) * 1.0001;
  return x;
};
const burst = () => {
  (random() < 0.5 ? read : compute)(performance.now() + stretch());
  setTimeout(burst, stretch());
};
burst();
`;

/** Starts a bursty load on another core: 64 MB read at a stride of a cache line, or square roots. Returns what ends it. */
export function startLoad(): () => Promise<void> {
  const worker = new Worker(BURSTS, { eval: true });
  return async () => {
    await worker.terminate();
  };
}
