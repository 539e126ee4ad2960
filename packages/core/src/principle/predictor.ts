import type { Cell } from "../contracts/environment.ts";
import { canonicalJson } from "../contracts/environment.ts";
import type { DeviceSignature } from "./device-signature.ts";
import type { GraphSummary, KernelClass, ModuleSummary } from "./graph-summary.ts";
import { copyMs, KernelModel } from "./kernel-model.ts";
import { constantParts, type Group, merge, type Parts } from "./predicted-parts.ts";
import { expertLoads } from "./unique-experts.ts";

const BYTES_PER_LOGIT = 4;
/**
 * Positions that a cache kept in place has room for beyond its context: those of the widest forward, which are not given up after it.
 * onnxruntime-node copies every output it returns, unused room included.
 */
const CACHE_ROOM = 64;

/** Costs of a model's parts on a device, by the formula of `predict`. */
export class Predictor {
  readonly assumed: string[] = [];
  readonly #summary: GraphSummary;
  readonly #signature: DeviceSignature;
  readonly #context: number;
  readonly #batch: number;
  readonly #maxPositions: number;
  readonly #uniqueExperts: readonly number[] | undefined;
  readonly #kvBytes: number;
  /** 0: every operand comes out of the cache; 1: from beyond. */
  readonly #beyond: number;

  constructor(
    summary: GraphSummary,
    signature: DeviceSignature,
    { contextLength, batch }: Cell,
    maxPositions: number,
    uniqueExperts: readonly number[] | undefined,
  ) {
    this.#summary = summary;
    this.#signature = signature;
    this.#context = contextLength;
    this.#batch = batch;
    this.#maxPositions = maxPositions;
    this.#uniqueExperts = uniqueExperts;
    this.#kvBytes = summary.modules.reduce(
      (sum, module) => sum + module.kvBytesPerPosition * (contextLength + this.#roomOf(module, 0)) * batch,
      0,
    );
    const { insideBytes, beyondBytes } = signature.cache;
    this.#beyond = shareBetween(summary.weightBytes + this.#kvBytes, insideBytes, beyondBytes);
    this.assumed.push(...summary.unresolved);
  }

  /** One group for each kind and class among the modules that have weights, experts or a KV cache. */
  kernels(): Group[] {
    const groups = new Map<string, ModuleSummary[]>();
    for (const module of this.#summary.modules) {
      if (module.flopsPerPosition === 0 && module.kvBytesPerPosition === 0) continue;
      const name = groupName(module);
      groups.set(name, [...(groups.get(name) ?? []), module]);
    }
    return [...groups].flatMap(([name, modules]): Group[] => {
      const [{ kind, kernel }] = modules as [ModuleSummary];
      const model = this.#modelOf(kernel, name);
      if (model === undefined) return [];
      const parts = modules.map((module) => this.#partsOf(module, model));
      return [{ name, kind, kernel, parts: merge(parts, this.#maxPositions) }];
    });
  }

  /** Nodes without weights, wherever they stand. */
  others(): Group[] {
    const { nodeMs, elementMs } = this.#signature.elementWise;
    const total = (pick: (module: ModuleSummary) => number) =>
      this.#summary.modules.reduce((sum, module) => sum + pick(module), 0);
    const nodes = total(({ looseNodes }) => looseNodes);
    const elements = total(({ elementsPerPosition }) => elementsPerPosition);
    if (nodes === 0) return [];
    const constant = this.#fill((n) => nodes * nodeMs + n * this.#batch * elements * elementMs);
    return [{ name: "other", kind: "other", parts: constantParts(constant) }];
  }

  /** The run itself and the logits on their way back. */
  host(): Group {
    const { runMs } = this.#signature.host;
    const rowBytes = (this.#summary.vocabularySize ?? 0) * BYTES_PER_LOGIT * this.#batch;
    const { copies } = this.#signature.host;
    const constant = this.#fill((n) => runMs + (rowBytes > 0 ? copyMs(copies, n * rowBytes) : 0));
    return { name: "host", kind: "host", parts: constantParts(constant) };
  }

  #modelOf(kernel: KernelClass, name: string): KernelModel | undefined {
    const { kernels } = this.#signature;
    const key = canonicalJson(kernel);
    const exact = kernels.find((each) => canonicalJson(each.kernel) === key);
    const near =
      exact ??
      kernels.find((each) => each.kernel.operator === kernel.operator && each.kernel.weight === kernel.weight) ??
      kernels.find((each) => each.kernel.weight !== undefined && kernel.weight !== undefined);
    if (near === undefined) this.assumed.push(`${name}: no such class in the signature, counted as free`);
    else if (exact === undefined) {
      this.assumed.push(`${name}: no such class in the signature, taken for ${Object.values(near.kernel).join(" ")}`);
    }
    if (near === undefined) return undefined;
    const { kvBytes } = near;
    return new KernelModel(near, kvBytes ? shareBetween(this.#kvBytes, kvBytes.inside, kvBytes.beyond) : this.#beyond);
  }

  #partsOf(module: ModuleSummary, model: KernelModel): Parts {
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
      bandwidthMs: this.#fill(() => model.bandwidthMs(weightBytes)),
      computeMs: this.#fill((n) => model.computeMs(flopsPerPosition, rows(n))),
      constantMs: this.#fill((n) => calls * model.nodeMs + rows(n) * channels * model.channelMs),
      costMs: this.#fill(
        (n) =>
          calls * model.nodeMs +
          rows(n) * channels * model.channelMs +
          model.overlappedMs(weightBytes, flopsPerPosition, rows(n)),
      ),
      peakMs: model.peakMs(flopsPerPosition * this.#batch),
    };
  }

  /** The new positions see the context and, on average, half of themselves. */
  #attentionParts(module: ModuleSummary, model: KernelModel): Parts {
    const { kvBytesPerPosition, flopsPerContextPosition } = module;
    const batch = this.#batch;
    const headDim = this.#summary.headDim ?? 64;
    const perContext = flopsPerContextPosition * (1 + model.scoreChannels / headDim) * batch;
    const channels = (flopsPerContextPosition / 4) * batch;
    const seen = (n: number) => this.#context + n;
    const bytes = (n: number) => kvBytesPerPosition * (this.#context + this.#roomOf(module, n)) * batch;
    const constant = (n: number) => model.nodeMs + n * channels * model.channelMs;
    return {
      bandwidthMs: this.#fill((n) => model.bandwidthMs(bytes(n))),
      computeMs: this.#fill((n) => model.computeMs(perContext * seen(n), n)),
      constantMs: this.#fill(constant),
      costMs: this.#fill((n) => constant(n) + model.overlappedMs(bytes(n), perContext * seen(n), n)),
      peakMs: model.peakMs(perContext * seen(1)),
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
      lanes: Math.max(1, Math.min(this.#signature.environment.threads, experts.count)),
      maxPositions: this.#maxPositions * this.#batch,
      costOf,
    });
    const row = (n: number) => n * this.#batch - 1;
    const woken = (n: number) => this.#wokenBy(n * this.#batch, experts.count) ?? loads.unique[row(n)]!;
    // Measured routing wakes fewer experts than even routing does, with more rows each; the slowest lane is as much slower than the rest.
    const rowsEach = (n: number, count: number) => (n * this.#batch * experts.active) / count;
    const work = (n: number, count: number) => count * costOf(rowsEach(n, count));
    const correction = (n: number) => work(n, woken(n)) / work(n, loads.unique[row(n)]!);
    const cost = this.#fill((n) => model.nodeMs + loads.costMs[row(n)]! * correction(n));
    const costAtOne = costOf(rowsEach(1, woken(1)));
    const activation = (n: number) => (woken(n) * costAtOne) / work(n, woken(n));
    return {
      bandwidthMs: this.#fill((n) => model.bandwidthMs(bytes) * woken(n)),
      computeMs: this.#fill((n) => model.computeMs(flops, rowsEach(n, woken(n))) * woken(n)),
      constantMs: this.#fill(() => model.nodeMs),
      costMs: cost,
      activationMs: this.#fill((n) => cost[n - 1]! * activation(n)),
      peakMs: model.peakMs(flopsPerPosition * this.#batch),
    };
  }

  /** Measured, where it was; the widest that was measured stands for wider ones. Rows of several sequences are no consecutive text. */
  #wokenBy(rows: number, count: number): number | undefined {
    const measured = this.#batch === 1 ? this.#uniqueExperts : undefined;
    const woken = measured?.[rows - 1] ?? measured?.at(-1);
    return woken === undefined ? undefined : Math.min(count, woken);
  }

  /** Positions of the cache beyond the context in a forward of n: all of its room where it is kept in place. */
  #roomOf({ kernel }: ModuleSummary, n: number): number {
    const inPlace =
      kernel.operator === "GroupQueryAttention" && this.#signature.environment.executionProvider === "cpu";
    return inPlace ? Math.max(CACHE_ROOM, n) : n;
  }

  #fill(value: (n: number) => number): number[] {
    return Array.from({ length: this.#maxPositions }, (_, i) => value(i + 1));
  }
}

/** How far `bytes` lies on the way from `inside` (0) to `beyond` (1), by the logarithm. */
function shareBetween(bytes: number, inside: number, beyond: number): number {
  if (bytes <= inside) return 0;
  return Math.min(1, Math.log(bytes / inside) / Math.log(beyond / inside));
}

function groupName({ kind, kernel }: ModuleSummary): string {
  const { operator, weight = kernel.activation, accuracyLevel } = kernel;
  return [kind, operator, weight, ...(accuracyLevel === undefined ? [] : [`accuracy ${accuracyLevel}`])].join(" ");
}
