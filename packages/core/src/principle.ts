import type { DeviceSignature } from "./device-signature.ts";
import type { Cell } from "./environment.ts";
import { canonicalJson } from "./environment.ts";
import type { GraphSummary, KernelClass, ModuleKind, ModuleSummary } from "./graph-summary.ts";
import { copyMs, KernelModel } from "./kernel-model.ts";
import { EPSILONS } from "./profile.ts";
import { expertLoads } from "./unique-experts.ts";

/** What ends the free positions of a module. */
export type Mechanism =
  /** The arithmetic of n rows takes as long as reading the weights: balance alone. */
  | "bandwidth-slack"
  /** Balance would allow more, but the kernel computes more rows than it is given. */
  | "granularity-slack"
  /** More positions wake more experts, whose weights must be read. */
  | "expert-activation"
  /** Each position works through the whole KV cache. */
  | "kv-traffic"
  /** What each position costs around the kernels: element-wise nodes, copies, dispatch. */
  | "constant-cost";

/** Milliseconds of a forward by n, split by where they go. Every array: [n-1], n = 1..maxPositions. */
export interface ModulePrediction {
  /** E.g. `dense-ffn MatMul float32`: the modules of one kind and kernel class, summed over the layers. `host` for what is outside. */
  readonly name: string;
  readonly kind: ModuleKind | "host";
  readonly kernel?: KernelClass | undefined;
  readonly costMs: readonly number[];
  /** Reading operands, computing the rows that the kernel computes, and the rest; `costMs` is less where the first two overlap. */
  readonly bandwidthMs: readonly number[];
  readonly computeMs: readonly number[];
  readonly constantMs: readonly number[];
  /** The boundary that balance alone predicts for this module. Infinity where it reads or computes nothing that counts. */
  readonly idleCompute: number;
  readonly boundaries: readonly PredictedBoundary[];
}

export interface PredictedBoundary {
  readonly epsilon: number;
  /** Largest N such that every n <= N has T(n) <= (1 + epsilon) T(1); `maxPositions` where no n breaks it. */
  readonly prefixFree: number;
  /** What makes n = prefixFree + 1 too dear; absent where nothing does. */
  readonly limit?: { readonly module: string; readonly mechanism: Mechanism } | undefined;
}

/** What a model would cost on a device, from its graph and the device's signature. */
export interface Prediction {
  readonly cell: Cell;
  readonly maxPositions: number;
  /** T(n) in ms, [n-1]. */
  readonly costMs: readonly number[];
  readonly boundaries: readonly PredictedBoundary[];
  /** The idle-compute baseline of the whole model: positions at which its arithmetic takes as long as its reading. */
  readonly idleCompute: number;
  /** Modules of one kind and class together, dearest at n = 1 first, `host` last. */
  readonly modules: readonly ModulePrediction[];
  /** What had to be assumed, one line each: a class that the signature lacks, a figure that the graph leaves open. */
  readonly assumed: readonly string[];
}

export interface PredictOptions {
  /** Default 64. */
  readonly maxPositions?: number;
  /** Default `EPSILONS`. */
  readonly epsilons?: readonly number[];
  /** Experts that n positions wake in a layer, [n-1], as measured: instead of even routing. */
  readonly uniqueExperts?: readonly number[] | undefined;
}

const DEFAULT_MAX_POSITIONS = 64;
const BYTES_PER_LOGIT = 4;
/**
 * Positions that a cache kept in place has room for beyond its context: those of the widest forward, which are not given up after it.
 * onnxruntime-node copies every output it returns, unused room included.
 */
const CACHE_ROOM = 64;

/** The parts of a group's cost, [n-1] each. */
interface Parts {
  readonly bandwidthMs: number[];
  readonly computeMs: number[];
  readonly constantMs: number[];
  readonly costMs: number[];
  /** Ms that one more position's arithmetic takes at the peak. */
  readonly peakMs: number;
}

interface Group {
  readonly name: string;
  readonly kind: ModuleKind | "host";
  readonly kernel?: KernelClass | undefined;
  readonly parts: Parts;
}

/**
 * Predicts T(n) of `summary` on the device of `signature`, with `cell.contextLength` positions in the KV cache.
 *
 * T(n) = sum over modules of nodeMs + n * channels * channelMs + (bw^p + comp^p)^(1/p), with bw = bytes / beta(working set) and
 * comp = FLOPs * u(n) / phi (arXiv 2605.30851; docs/principle.md). Pure; never throws: what the signature lacks is in `assumed`.
 */
export function predict(
  summary: GraphSummary,
  signature: DeviceSignature,
  cell: Cell,
  options: PredictOptions = {},
): Prediction {
  const { maxPositions = DEFAULT_MAX_POSITIONS, epsilons = EPSILONS, uniqueExperts } = options;
  const context = new Predictor(summary, signature, cell, maxPositions, uniqueExperts);
  const groups = [...context.kernels(), ...context.others(), context.host()];
  const costMs = sumOf(
    groups.map(({ parts }) => parts.costMs),
    maxPositions,
  );
  const boundaries = epsilons.map((epsilon) => boundaryOf(costMs, epsilon, groups));
  const modules = groups
    .map(({ name, kind, kernel, parts }): ModulePrediction => {
      const { bandwidthMs, computeMs, constantMs, costMs: own } = parts;
      const alone = [{ name, kind, kernel, parts }];
      return {
        name,
        kind,
        ...(kernel && { kernel }),
        costMs: own,
        bandwidthMs,
        computeMs,
        constantMs,
        idleCompute: idleOf([parts]),
        boundaries: epsilons.map((epsilon) => boundaryOf(own, epsilon, alone)),
      };
    })
    .sort((a, b) => Number(a.kind === "host") - Number(b.kind === "host") || b.costMs[0]! - a.costMs[0]!);
  const idleCompute = idleOf(groups.map(({ parts }) => parts));
  return { cell, maxPositions, costMs, boundaries, idleCompute, modules, assumed: context.assumed };
}

class Predictor {
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
    const loads = expertLoads({
      ...experts,
      lanes: Math.max(1, Math.min(this.#signature.environment.threads, experts.count)),
      maxPositions: this.#maxPositions * this.#batch,
      costOf: (rows) => model.overlappedMs(bytes, flops, rows) + rows * channels * model.channelMs,
    });
    const row = (n: number) => n * this.#batch - 1;
    // Measured routing wakes fewer experts than even routing does: the whole work shrinks in that proportion.
    const woken = (n: number) => this.#uniqueExperts?.[row(n)] ?? loads.unique[row(n)]!;
    const correction = (n: number) => woken(n) / loads.unique[row(n)]!;
    const cost = this.#fill((n) => model.nodeMs + loads.costMs[row(n)]! * correction(n));
    return {
      bandwidthMs: this.#fill((n) => model.bandwidthMs(bytes) * woken(n)),
      computeMs: this.#fill((n) => model.computeMs(flops, (n * this.#batch * experts.active) / woken(n)) * woken(n)),
      constantMs: this.#fill(() => model.nodeMs),
      costMs: cost,
      peakMs: model.peakMs(flopsPerPosition * this.#batch),
    };
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

function constantParts(constantMs: number[]): Parts {
  const none = constantMs.map(() => 0);
  return { bandwidthMs: none, computeMs: none, constantMs, costMs: constantMs, peakMs: 0 };
}

function merge(parts: readonly Parts[], length: number): Parts {
  const sum = (pick: (part: Parts) => readonly number[]) => sumOf(parts.map(pick), length);
  return {
    bandwidthMs: sum((part) => part.bandwidthMs),
    computeMs: sum((part) => part.computeMs),
    constantMs: sum((part) => part.constantMs),
    costMs: sum((part) => part.costMs),
    peakMs: parts.reduce((total, part) => total + part.peakMs, 0),
  };
}

function sumOf(curves: readonly (readonly number[])[], length: number): number[] {
  return Array.from({ length }, (_, i) => curves.reduce((sum, curve) => sum + curve[i]!, 0));
}

/** Positions whose arithmetic at the peak fits into the time that the kernels take for one: idle compute, nothing else. */
function idleOf(parts: readonly Parts[]): number {
  const peakMs = parts.reduce((sum, part) => sum + part.peakMs, 0);
  if (peakMs === 0) return Number.POSITIVE_INFINITY;
  const busyMs = parts.reduce((sum, part) => sum + (part.peakMs > 0 ? part.costMs[0]! - part.constantMs[0]! : 0), 0);
  return Math.max(1, Math.floor(busyMs / peakMs));
}

function boundaryOf(costMs: readonly number[], epsilon: number, groups: readonly Group[]): PredictedBoundary {
  const bound = costMs[0]! * (1 + epsilon);
  const above = costMs.findIndex((ms) => ms > bound);
  if (above < 0) return { epsilon, prefixFree: costMs.length };
  const growth = (group: Group) => group.parts.costMs[above]! - group.parts.costMs[0]!;
  const limiting = groups.reduce((a, b) => (growth(b) > growth(a) ? b : a));
  return {
    epsilon,
    prefixFree: above,
    limit: { module: limiting.name, mechanism: mechanismOf(limiting, above, epsilon) },
  };
}

/** What makes the group dearer at n = above + 1 than at 1. */
function mechanismOf({ kind, parts }: Group, above: number, epsilon: number): Mechanism {
  if (parts.peakMs === 0) return "constant-cost";
  if (kind === "attention") return "kv-traffic";
  const grown = (curve: readonly number[]) => curve[above]! - curve[0]!;
  if (grown(parts.constantMs) > grown(parts.costMs) / 2) return "constant-cost";
  if (grown(parts.bandwidthMs) > grown(parts.computeMs)) return "expert-activation";
  // The first n that is too dear: above + 1.
  return above + 1 <= (1 + epsilon) * idleOf([parts]) ? "granularity-slack" : "bandwidth-slack";
}
