import type { AbortSignalLike, Clock, Environment } from "@nearfree/core";
import { canonicalJson } from "@nearfree/core/measure";
import {
  type DeviceSignature,
  type KernelClass,
  type KernelSignature,
  SIGNATURE_VERSION,
  type SignatureProbes,
} from "@nearfree/core/principle";
import { SignatureRun } from "./signature-run.ts";

/** Version of the method: signatures of another are not comparable. */
export const SIGNATURE_METHOD = 2;

export interface MeasureSignatureOptions {
  readonly clock: Clock;
  readonly environment: Environment;
  /** The classes to measure. One without a generator is left out. */
  readonly kernels: readonly KernelClass[];
  /** A signature of the same environment and method: its classes, and what is not of a class, are kept. */
  readonly known?: DeviceSignature | undefined;
  readonly signal?: AbortSignalLike | undefined;
  /** Told what is measured next. */
  readonly onProgress?: ((what: string) => void) | undefined;
}

/**
 * Measures the classes of `kernels` that `known` lacks, and what any model costs besides its kernels.
 *
 * @throws NearfreeError `aborted`. What a probe throws passes through.
 */
export async function measureSignature(
  probes: SignatureProbes,
  options: MeasureSignatureOptions,
): Promise<DeviceSignature> {
  const { clock, environment, kernels, known, onProgress = () => {} } = options;
  const start = clock();
  const measuring = new SignatureRun(probes, options);
  onProgress("host and cache");
  const host = known?.host ?? (await measuring.host());
  const elementWise = known?.elementWise ?? (await measuring.elementWise(host));
  const cache = known?.cache ?? (await measuring.cache());
  const found: KernelSignature[] = [...(known?.kernels ?? [])];
  for (const kernel of kernels) {
    if (found.some((each) => canonicalJson(each.kernel) === canonicalJson(kernel))) continue;
    onProgress(Object.values(kernel).join(" "));
    const signature = await measuring.kernel(kernel, host);
    if (signature !== undefined) found.push(signature);
  }
  return {
    version: SIGNATURE_VERSION,
    environment,
    origin: "measured",
    measuredAt: new Date().toISOString(),
    method: SIGNATURE_METHOD,
    cache,
    kernels: found,
    elementWise,
    host,
    run: {
      forwards: (known?.run.forwards ?? 0) + measuring.forwards,
      ms: (known?.run.ms ?? 0) + clock() - start,
    },
  };
}
