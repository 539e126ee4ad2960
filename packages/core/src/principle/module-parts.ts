import type { Cell } from "../contracts/environment.ts";
import { type CacheWork, cacheWork, keepingOf } from "./cache-work.ts";
import type { DeviceSignature } from "./device-signature.ts";
import type { GraphSummary, ModuleSummary } from "./graph-summary.ts";
import type { KernelModel } from "./kernel-model.ts";
import type { Parts } from "./predicted-parts.ts";
import { expertLoads } from "./unique-experts.ts";

/** Dimensions of a head where the graph does not say. */
const LIKELY_HEAD_DIM = 64;

/** Costs of one module by what it is: dense, attention, experts. */
export class ModuleParts {
  readonly #environment: DeviceSignature["environment"];
  readonly #headDim: number;
  readonly #context: number;
  readonly #batch: number;
  readonly #maxPositions: number;
  readonly #uniqueExperts: readonly number[] | undefined;

  constructor(
    summary: GraphSummary,
    signature: DeviceSignature,
    { contextLength, batch }: Cell,
    maxPositions: number,
    uniqueExperts: readonly number[] | undefined,
  ) {
    this.#environment = signature.environment;
    this.#headDim = summary.headDim ?? LIKELY_HEAD_DIM;
    this.#context = contextLength;
    this.#batch = batch;
    this.#maxPositions = maxPositions;
    this.#uniqueExperts = uniqueExperts;
  }

  /** What one module costs, split by where it goes. */
  of(module: ModuleSummary, model: KernelModel): Parts {
    if (module.experts !== undefined) return this.#expertParts(module, module.experts, model);
    return module.kind === "attention" && module.kvBytesPerPosition > 0
      ? this.#attentionParts(module, model)
      : this.#denseParts(module, model);
  }

  #denseParts({ nodes, weightBytes, flopsPerPosition }: ModuleSummary, model: KernelModel): Parts {
    const calls = Math.max(1, nodes);
    // Sides of a square matrix with as many weights.
    const channels = calls * Math.sqrt(flopsPerPosition / calls / 2);
    const rows = (n: number) => n * this.#batch;
    return {
      bandwidthMs: this.fill(() => model.bandwidthMs(weightBytes)),
      computeMs: this.fill((n) => model.computeMs(flopsPerPosition, rows(n))),
      constantMs: this.fill((n) => calls * model.nodeMs + rows(n) * channels * model.channelMs),
      costMs: this.fill(
        (n) =>
          calls * model.nodeMs +
          rows(n) * channels * model.channelMs +
          model.overlappedMs(weightBytes, flopsPerPosition, rows(n)),
      ),
      peakMs: model.peakMs(flopsPerPosition * this.#batch),
    };
  }

  #attentionParts(module: ModuleSummary, model: KernelModel): Parts {
    const { flopsPerContextPosition } = module;
    const batch = this.#batch;
    const headDim = this.#headDim;
    const perContext = flopsPerContextPosition * (1 + model.scoreChannels / headDim) * batch;
    const channels = (flopsPerContextPosition / 4) * batch;
    const scored = (n: number) => this.#cacheWork(module, n).scored;
    const bytes = (n: number) => this.kvBytes(module, n);
    const constant = (n: number) => model.nodeMs + n * channels * model.channelMs;
    return {
      bandwidthMs: this.fill((n) => model.bandwidthMs(bytes(n))),
      computeMs: this.fill((n) => model.computeMs(perContext * scored(n), n)),
      constantMs: this.fill(constant),
      costMs: this.fill((n) => constant(n) + model.overlappedMs(bytes(n), perContext * scored(n), n)),
      peakMs: model.peakMs(perContext * scored(1)),
    };
  }

  /** A position wakes `active` of `count` experts; each reads its weights once for all rows that come to it. */
  #expertParts(module: ModuleSummary, experts: { count: number; active: number }, model: KernelModel): Parts {
    const { weightBytes, flopsPerPosition } = module;
    const bytes = weightBytes / experts.count;
    const flops = flopsPerPosition / experts.active;
    const channels = Math.sqrt(flops / 2);
    const costOf = (rows: number) => model.overlappedMs(bytes, flops, rows) + rows * channels * model.channelMs;
    const loads = expertLoads({
      ...experts,
      lanes: Math.max(1, Math.min(this.#environment.threads, experts.count)),
      maxPositions: this.#maxPositions * this.#batch,
      costOf,
    });
    const row = (n: number) => n * this.#batch - 1;
    const woken = (n: number) => this.#wokenBy(n * this.#batch, experts.count) ?? loads.unique[row(n)]!;
    // Measured routing wakes fewer experts than even routing does, with more rows each; the slowest lane is as much slower than the rest.
    const rowsEach = (n: number, count: number) => (n * this.#batch * experts.active) / count;
    const work = (n: number, count: number) => count * costOf(rowsEach(n, count));
    const correction = (n: number) => work(n, woken(n)) / work(n, loads.unique[row(n)]!);
    const cost = this.fill((n) => model.nodeMs + loads.costMs[row(n)]! * correction(n));
    const costAtOne = costOf(rowsEach(1, woken(1)));
    const activation = (n: number) => (woken(n) * costAtOne) / work(n, woken(n));
    return {
      bandwidthMs: this.fill((n) => model.bandwidthMs(bytes) * woken(n)),
      computeMs: this.fill((n) => model.computeMs(flops, rowsEach(n, woken(n))) * woken(n)),
      constantMs: this.fill(() => model.nodeMs),
      costMs: cost,
      activationMs: this.fill((n) => cost[n - 1]! * activation(n)),
      peakMs: model.peakMs(flopsPerPosition * this.#batch),
    };
  }

  /** Measured, where it was; the widest that was measured stands for wider ones. Rows of several sequences are no consecutive text. */
  #wokenBy(rows: number, count: number): number | undefined {
    const measured = this.#batch === 1 ? this.#uniqueExperts : undefined;
    const woken = measured?.[rows - 1] ?? measured?.at(-1);
    return woken === undefined ? undefined : Math.min(count, woken);
  }

  /** Bytes of the module's cache that a forward of n reads. */
  kvBytes(module: ModuleSummary, n: number): number {
    return module.kvBytesPerPosition * this.#cacheWork(module, n).read * this.#batch;
  }

  #cacheWork({ kernel }: ModuleSummary, n: number): CacheWork {
    return cacheWork(keepingOf(kernel, this.#environment.executionProvider === "cpu"), this.#context, n);
  }

  /** [n-1]: `value(n)`, n = 1..maxPositions. */
  fill(value: (n: number) => number): number[] {
    return Array.from({ length: this.#maxPositions }, (_, i) => value(i + 1));
  }
}
