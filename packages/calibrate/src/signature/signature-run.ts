import type { AbortSignalLike, Clock } from "@nearfree/core";
import type {
  DeviceSignature,
  KernelClass,
  KernelSignature,
  KernelWorkload,
  SignatureProbes,
  WorkloadSize,
} from "@nearfree/core/principle";
import { median } from "../measure/statistics/stats.ts";
import { cacheEdges } from "./cache-edges.ts";
import { fitKernel, type WorkloadCurve } from "./fit-kernel.ts";
import { type MeasuredCurve, measureCurve } from "./measure-curve.ts";

/** Both sides of the edges that kernels have: see `LIKELY_EDGES`. */
const POSITIONS = [2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 16, 17, 24, 25, 32, 33, 48, 49, 64] as const;
/** Where nothing has tiles, a few points make a line. */
const LINE_POSITIONS = [4, 16, 64] as const;
/** Ms that a curve may take once every n has its least samples. */
const BUDGET_MS: Readonly<Record<WorkloadSize, number>> = { small: 500, narrow: 700, inside: 900, beyond: 3_000 };
const PLAIN_BUDGET_MS = 250;
/** Tensors that come back: sizes at which that is measured. */
const COPY_BYTES = [1 << 12, 1 << 15, 1 << 18, 1 << 20, 1 << 22] as const;
/** Tensors of the longest copy run, and of the shortest. */
const MOST_COPIES = 5;
/** Working sets at which the cost of reading is looked at. */
const STREAM_BYTES = [20, 32, 48, 64, 96, 128, 192, 256].map((megabytes) => megabytes << 20);

type Host = DeviceSignature["host"];

/** The measurements that make a signature, one after the other, and the forwards they took. */
export class SignatureRun {
  forwards = 0;
  readonly #probes: SignatureProbes;
  readonly #clock: Clock;
  readonly #signal: AbortSignalLike | undefined;

  constructor(
    probes: SignatureProbes,
    { clock, signal }: { readonly clock: Clock; readonly signal?: AbortSignalLike | undefined },
  ) {
    this.#probes = probes;
    this.#clock = clock;
    this.#signal = signal;
  }

  /**
   * A tensor costs what n of them cost more than one; a run costs what is left of the smallest. Largest first: until large blocks
   * have been given back once, an allocator asks the system for each anew.
   */
  async host(): Promise<Host> {
    const copies: { bytes: number; ms: number }[] = [];
    let runMs = 0;
    for (const bytes of [COPY_BYTES.at(-1)!, ...COPY_BYTES.toReversed()]) {
      const { probe, release } = await this.#probes.copy(bytes);
      const curve = await this.#curve(probe, [MOST_COPIES], PLAIN_BUDGET_MS).finally(release);
      const [one, most] = [curve.points[0]!.ms, curve.points.at(-1)!.ms];
      const ms = Math.max(0, (most - one) / (MOST_COPIES - 1));
      if (copies[0]?.bytes === bytes) copies.shift();
      // A tensor that is smaller does not cost more.
      copies.unshift({ bytes, ms: Math.min(ms, copies[0]?.ms ?? ms) });
      runMs = Math.max(0, one - ms);
    }
    return { runMs, copies };
  }

  /** Two widths: c0 + n * width * c1 a node, by least squares over both. */
  async elementWise({ runMs }: Host): Promise<DeviceSignature["elementWise"]> {
    const slopes: number[] = [];
    const measured: { nodes: number; elements: number; baseMs: number }[] = [];
    for (const { probe, nodes, elements, release } of await this.#probes.elements()) {
      const { points } = await this.#curve(probe, LINE_POSITIONS, PLAIN_BUDGET_MS).finally(release);
      const own = points.map(({ positions, ms }) => ({
        positions,
        ms: ms - runMs,
      }));
      const [first, last] = [own[0]!, own.at(-1)!];
      slopes.push(Math.max(0, (last.ms - first.ms) / ((last.positions - first.positions) * elements)));
      measured.push({ nodes, elements, baseMs: first.ms });
    }
    const elementMs = median(slopes);
    const constants = measured.map(({ nodes, elements, baseMs }) => (baseMs - elements * elementMs) / nodes);
    return { nodeMs: Math.max(0, median(constants)), elementMs };
  }

  /** Where reading a byte begins to cost more than in the smallest working set, and where it costs what it does in the largest. */
  async cache(): Promise<DeviceSignature["cache"]> {
    const costs: { bytes: number; msPerByte: number }[] = [];
    for (const bytes of STREAM_BYTES) {
      const { probe, release, bytes: exact } = await this.#probes.stream(bytes);
      const { points } = await this.#curve(probe, [], PLAIN_BUDGET_MS).finally(release);
      costs.push({ bytes: exact, msPerByte: points[0]!.ms / exact });
    }
    return cacheEdges(costs);
  }

  async kernel(kernel: KernelClass, host: Host): Promise<KernelSignature | undefined> {
    const inside = await this.#workload(kernel, "inside", host);
    if (inside === undefined) return undefined;
    const small = await this.#workload(kernel, "small", host);
    const narrow = await this.#workload(kernel, "narrow", host);
    const beyond = await this.#workload(kernel, "beyond", host);
    return fitKernel(kernel, { small, narrow, inside, beyond });
  }

  async #workload(kernel: KernelClass, size: WorkloadSize, { runMs }: Host): Promise<WorkloadCurve | undefined> {
    const workload: KernelWorkload | undefined = await this.#probes.kernel(kernel, size);
    if (workload === undefined) return undefined;
    const { probe, release, ...figures } = workload;
    const { points } = await this.#curve(probe, POSITIONS, BUDGET_MS[size]).finally(release);
    // Of a probe that is over at once the run itself is never all.
    return { ...figures, points: points.map((point) => ({ ...point, ms: Math.max(point.ms - runMs, point.ms / 2) })) };
  }

  async #curve(probe: Parameters<typeof measureCurve>[0], positions: readonly number[], budgetMs: number) {
    const curve: MeasuredCurve = await measureCurve(probe, {
      clock: this.#clock,
      positions,
      budgetMs,
      signal: this.#signal,
    });
    this.forwards += curve.forwards;
    return curve;
  }
}
