import { readFile } from "node:fs/promises";
import { NearfreeError } from "@nearfree/core";
import { canonicalJson } from "@nearfree/core/measure";
import {
  cautiousSignature,
  classesOf,
  type DeviceSignature,
  type GraphSummary,
  PUBLISHED_DEVICES,
  parseSignature,
  publishedSignature,
  summaryIn,
} from "@nearfree/core/principle";
import type { ExaminedModel } from "../node/examine-model.ts";
import type { KvForm } from "../node/form/kv-form.ts";
import { cachedSignature } from "../node/predict/load-or-measure-signature.ts";

/** What a prediction knows of its device, and what it prices there. */
export interface SignatureSource {
  readonly signature: DeviceSignature;
  /** How the KV cache is kept: rewritten graphs are for the CPU. */
  readonly form: KvForm["form"];
  /** The model in that form. */
  readonly summary: GraphSummary;
  readonly basis: "measured" | "published" | "kernel-table";
  /** In one line, for people. */
  readonly about: string;
}

/** What is to be predicted, and in which form. */
type Subject = Pick<ExaminedModel, "environment" | "summary"> & Pick<KvForm, "form">;

/**
 * The signature to predict with: the one that `device` names, this device's own in the cache under `root`, or else the most cautious
 * reading of the execution provider's kernel table.
 *
 * @throws NearfreeError `missing-file`, `invalid-argument` for a device that is neither a signature nor a known name.
 */
export async function findSignature(
  model: Subject,
  device: string | undefined,
  root?: string,
): Promise<SignatureSource> {
  if (device !== undefined) return namedSignature(model, device);
  const { environment, form } = model;
  const summary = summaryIn(model.summary, form);
  const cached = await cachedSignature(model, { root });
  if (cached !== undefined) {
    const missing = missingClasses(cached, summary);
    const more = missing > 0 ? `; ${missing} of the model's classes not in it: nearfree device measures them` : "";
    const about = `signature of this device, ${cached.measuredAt.slice(0, 10)}${more}`;
    return { signature: cached, form, summary, basis: "measured", about };
  }
  const about = `no signature of this device yet (nearfree device measures one): from the kernel table of ${environment.executionProvider}, most cautiously; ratios only, ms mean nothing`;
  return { signature: cautiousSignature(environment, summary), form, summary, basis: "kernel-table", about };
}

function missingClasses({ kernels }: DeviceSignature, summary: GraphSummary): number {
  const known = new Set(kernels.map(({ kernel }) => canonicalJson(kernel)));
  return classesOf(summary).filter((kernel) => !known.has(canonicalJson(kernel))).length;
}

async function namedSignature({ summary, form }: Subject, device: string): Promise<SignatureSource> {
  if (Object.hasOwn(PUBLISHED_DEVICES, device)) {
    const published = PUBLISHED_DEVICES[device as keyof typeof PUBLISHED_DEVICES];
    const about = `idle compute and tile table of ${published.name} (${published.source}), nothing measured`;
    return { signature: publishedSignature(published, summary), form: "original", summary, basis: "published", about };
  }
  const signature = parseSignature(await readJson(device));
  if (signature === undefined) throw refuseDevice(device, "JSON that is no signature of this version");
  const { environment, measuredAt } = signature;
  const on = environment.device.cpu ?? environment.device.adapter ?? "another device";
  const about = `signature of ${on}, ${environment.executionProvider}, ${environment.threads} threads, ${measuredAt.slice(0, 10)}`;
  const there = environment.executionProvider === "cpu" ? form : "original";
  return { signature, form: there, summary: summaryIn(summary, there), basis: "measured", about };
}

async function readJson(path: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    throw refuseDevice(path, code === "ENOENT" ? "no such file and no such name" : String(code), error);
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw refuseDevice(path, "a file that is not JSON", error);
  }
}

function refuseDevice(device: string, received: string, cause?: unknown): NearfreeError {
  return new NearfreeError({
    code: "invalid-argument",
    from: "calibrate",
    what: `--device ${device}`,
    expected: "a device signature or a known device",
    received,
    remedy: `pass a file that \`nearfree device --json\` wrote, or one of ${Object.keys(PUBLISHED_DEVICES).join(", ")}`,
    cause,
  });
}
