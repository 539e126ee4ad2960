import { type ReferenceCall, rescaleKernel, typical } from "@nearfree/calibrate";
import {
  type Clock,
  canonicalJson,
  type DeviceSignature,
  type KernelClass,
  type KernelWorkload,
  type Probe,
  type SignatureProbes,
} from "@nearfree/core";

/** Rounds on either side of a curve, and forwards of one position of each probe in a round. */
const ROUNDS = 3;
const FORWARDS = 10;
/** The first of them only bring operands back: 17 MB took five forwards to settle in a shared cache. */
const FIRST_FORWARDS = 5;
/** The signature's own sitting and the one beside the curve count alike. */
const TRUST = 0.5;
/** Ms between two probes: the threads of a session go on spinning after its last forward, and after 10 ms still doubled the next one's times. */
const SETTLE_MS = 50;

interface Reference {
  readonly kernel: KernelClass;
  readonly size: "inside" | "beyond";
  readonly workload: KernelWorkload;
}

/** Times of one position of every reference, taken in turns. */
export type Turns = Map<Reference, number[]>;

/**
 * The signature's own workloads, kept open and run around what they judge: a machine that changed in between must not count against the
 * formula. Only forwards of one position are run, of shapes that are not the model's.
 */
export class References {
  readonly #references: readonly Reference[];
  readonly #clock: Clock;

  private constructor(references: readonly Reference[], clock: Clock) {
    this.#references = references;
    this.#clock = clock;
  }

  static async open(
    probes: SignatureProbes,
    kernels: readonly KernelClass[],
    clock: Clock = () => performance.now(),
  ): Promise<References> {
    const references: Reference[] = [];
    for (const kernel of kernels) {
      for (const size of ["inside", "beyond"] as const) {
        const workload = await probes.kernel(kernel, size);
        if (workload !== undefined) references.push({ kernel, size, workload });
      }
    }
    return new References(references, clock);
  }

  /** Adds rounds of the references of the classes in use to `turns`, each warm. */
  async take(kernels: readonly KernelClass[], turns: Turns = new Map()): Promise<Turns> {
    const keys = new Set(kernels.map(canonicalJson));
    const inUse = this.#references.filter(({ kernel }) => keys.has(canonicalJson(kernel)));
    for (let round = 0; round < ROUNDS; round++) {
      for (const reference of inUse) {
        const times = turns.get(reference) ?? [];
        times.push(...(await this.#forwards(reference.workload.probe)));
        turns.set(reference, times);
      }
    }
    return turns;
  }

  async release(): Promise<void> {
    for (const { workload } of this.#references) await workload.release();
  }

  async #forwards(probe: Probe): Promise<number[]> {
    const times: number[] = [];
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    for (let i = 0; i < FORWARDS; i++) {
      await probe.prepare(1);
      const start = this.#clock();
      await probe.run(1);
      times.push(this.#clock() - start);
    }
    return times.slice(FIRST_FORWARDS);
  }
}

/** The signature with the base figures of the classes in `references` half way to what they were during those turns. */
export function rescaled(signature: DeviceSignature, turns: Turns): DeviceSignature {
  const calls = [...turns].map(([{ kernel, size, workload }, times]) => {
    const ms = typical(times);
    const own = Math.max(ms - signature.host.runMs, ms / 2) / workload.calls;
    const { channels, headDim } = workload;
    const call: ReferenceCall = { bytes: workload.bytes(1), flops: workload.flops(1), channels, headDim, ms: own };
    return { key: canonicalJson(kernel), size, call };
  });
  const callOf = (key: string, size: Reference["size"]) =>
    calls.find((each) => each.key === key && each.size === size)?.call;
  const kernels = signature.kernels.map((kernel) => {
    const key = canonicalJson(kernel.kernel);
    const inside = callOf(key, "inside");
    return inside === undefined ? kernel : rescaleKernel(kernel, { inside, beyond: callOf(key, "beyond") }, TRUST);
  });
  return { ...signature, kernels };
}
