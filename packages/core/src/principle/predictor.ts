import type { Cell } from "../contracts/environment.ts";
import { canonicalJson } from "../contracts/environment.ts";
import type { DeviceSignature } from "./device-signature.ts";
import type { GraphSummary, KernelClass, ModuleSummary } from "./graph-summary.ts";
import { copyMs, KernelModel } from "./kernel-model.ts";
import { ModuleParts } from "./module-parts.ts";
import { constantParts, type Group, merge } from "./predicted-parts.ts";

const BYTES_PER_LOGIT = 4;

/** Costs of a model's parts on a device, by the formula of `predict`. */
export class Predictor {
  readonly assumed: string[] = [];
  readonly #summary: GraphSummary;
  readonly #signature: DeviceSignature;
  readonly #batch: number;
  readonly #maxPositions: number;
  readonly #parts: ModuleParts;
  readonly #kvBytes: number;
  /** 0: every operand comes out of the cache; 1: from beyond. */
  readonly #beyond: number;

  constructor(
    summary: GraphSummary,
    signature: DeviceSignature,
    cell: Cell,
    maxPositions: number,
    uniqueExperts: readonly number[] | undefined,
  ) {
    this.#summary = summary;
    this.#signature = signature;
    this.#batch = cell.batch;
    this.#maxPositions = maxPositions;
    this.#parts = new ModuleParts(summary, signature, cell, maxPositions, uniqueExperts);
    this.#kvBytes = summary.modules.reduce((sum, module) => sum + this.#parts.kvBytes(module, 0), 0);
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
      const parts = modules.map((module) => this.#parts.of(module, model));
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
    const constant = this.#parts.fill((n) => nodes * nodeMs + n * this.#batch * elements * elementMs);
    return [{ name: "other", kind: "other", parts: constantParts(constant) }];
  }

  /** The run itself and the logits on their way back. */
  host(): Group {
    const { runMs } = this.#signature.host;
    const rowBytes = (this.#summary.vocabularySize ?? 0) * BYTES_PER_LOGIT * this.#batch;
    const { copies } = this.#signature.host;
    const constant = this.#parts.fill((n) => runMs + (rowBytes > 0 ? copyMs(copies, n * rowBytes) : 0));
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
}

/** How far `bytes` lies on the way from `inside` (0) to `beyond` (1), by the logarithm. */
function shareBetween(bytes: number, inside: number, beyond: number): number {
  if (bytes <= inside) return 0;
  return Math.min(1, Math.log(bytes / inside) / Math.log(beyond / inside));
}

function groupName({ kind, kernel }: ModuleSummary): string {
  const { operator, weight = kernel.activation, accuracyLevel, cache = [] } = kernel;
  const accuracy = accuracyLevel === undefined ? [] : `accuracy ${accuracyLevel}`;
  return [kind, operator, weight, accuracy, cache].flat().join(" ");
}
