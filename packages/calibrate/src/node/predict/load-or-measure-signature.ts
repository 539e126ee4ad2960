import { type Clock, NearfreeError } from "@nearfree/core";
import { defaultCacheRoot } from "@nearfree/core/fs-store";
import { canonicalJson } from "@nearfree/core/measure";
import { classesOf, type DeviceSignature, type KernelClass, summaryIn } from "@nearfree/core/principle";
import { createSignatureProbes } from "@nearfree/ort-adapter";
import { measureSignature } from "../../signature/measure-signature.ts";
import { NO_CACHE_FOLDER } from "../default-store.ts";
import type { ExaminedModel } from "../examine-model.ts";
import type { KvForm } from "../form/kv-form.ts";
import { loadRuntime } from "../load-runtime.ts";
import { createSession } from "../open-model.ts";
import { readSignature, writeSignature } from "./signature-file.ts";

export interface LoadSignatureOptions {
  /** Default: the user's cache folder. */
  readonly root?: string | undefined;
  /** Measures every class, even those that the store has. */
  readonly fresh?: boolean | undefined;
  /** Monotonic, in ms. Default `performance.now`. */
  readonly clock?: Clock | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told what is measured next. */
  readonly onProgress?: ((what: string) => void) | undefined;
  /** Told, in one line, of a signature that could not be read or stored. */
  readonly onWarning?: ((message: string) => void) | undefined;
}

/**
 * The signature of this device with every class that the model needs: from the store, or measured now (some 10 s a class) and stored.
 * The model itself is not loaded. `form`: how its cache is kept, as `openModel` says; the original where it is absent.
 *
 * @throws NearfreeError `aborted`, `unsupported-execution-provider`, `run-failed`.
 */
export async function loadOrMeasureSignature(
  {
    environment,
    sessionOptions,
    summary,
    form,
  }: Pick<ExaminedModel, "environment" | "sessionOptions" | "summary"> & {
    readonly form?: Pick<KvForm, "form">;
  },
  options: LoadSignatureOptions = {},
): Promise<DeviceSignature> {
  const { root = defaultCacheRoot(), fresh = false, clock = now, signal, onProgress, onWarning } = options;
  if (root === undefined) onWarning?.(NO_CACHE_FOLDER);
  const known = fresh || root === undefined ? undefined : await readSignature(root, environment, onWarning);
  const kernels = classesOf(summaryIn(summary, form?.form ?? "original"));
  const has = ({ kernels: found }: DeviceSignature, kernel: KernelClass) =>
    found.some((each) => canonicalJson(each.kernel) === canonicalJson(kernel));
  if (known !== undefined && kernels.every((kernel) => has(known, kernel))) return known;
  const { Tensor } = await loadRuntime();
  const probes = createSignatureProbes({
    createSession: (bytes) => createSession(bytes, sessionOptions),
    Tensor,
    threads: environment.threads,
    inPlaceCache: environment.executionProvider === "cpu",
  });
  const signature = await measureSignature(probes, { clock, environment, kernels, known, signal, onProgress });
  if (root === undefined) return signature;
  await writeSignature(root, signature).catch((error: unknown) => {
    if (!(error instanceof NearfreeError)) throw error;
    onWarning?.(error.message);
  });
  return signature;
}

/** The signature in the store, if it has one: measures nothing. */
export async function cachedSignature(
  { environment }: Pick<ExaminedModel, "environment">,
  { root = defaultCacheRoot(), onWarning }: Pick<LoadSignatureOptions, "root" | "onWarning"> = {},
): Promise<DeviceSignature | undefined> {
  return root === undefined ? undefined : readSignature(root, environment, onWarning);
}

const now = () => performance.now();
