import { access, constants } from "node:fs/promises";
import { dirname } from "node:path";
import { NearfreeError, type ProfileStanding, profileStanding } from "@nearfree/core";
import { createFsStore, defaultCacheRoot, systemCacheRoots } from "@nearfree/core/fs-store";
import { type EndOfText, modelLabel } from "@nearfree/ort-adapter/node";
import type { Command } from "commander";
import { defaultStore } from "../../node/default-store.ts";
import { severalRuntimes } from "../../node/examine-model.ts";
import type { KvForm } from "../../node/form/kv-form.ts";
import { profileKey } from "../../node/load-or-calibrate.ts";
import { loadedRuntimes, loadRuntime, runtimeVersion } from "../../node/load-runtime.ts";
import { type OpenModel, openModel } from "../../node/open-model.ts";
import { modelName } from "../../report/model-name.ts";
import type { Runs } from "../command-context.ts";
import { type KeyDifference, nearestKey } from "../key-difference.ts";
import { endOfTextText } from "../print/end-of-text-text.ts";
import { addModelOptions, type ModelOptions, nonNegativeInteger, openOptions } from "../shared-options.ts";

interface ModelReport {
  readonly label?: string;
  /** Structure hash. */
  readonly hash: string;
  /** How far the stored profile may be relied on; `cached` stands for a whole one. */
  readonly profile: "cached" | Exclude<ProfileStanding, "whole"> | "none";
  /** Empty when there is a profile; else the nearest stored profile's differences, where there is one. */
  readonly differences: readonly KeyDifference[];
  readonly runner: object;
  /** Which graph runs, and why. */
  readonly form: KvForm;
  /** Which tokens end a text, by which file. */
  readonly endOfText: readonly EndOfText[];
  readonly layers: number;
  readonly weightBytes: number;
  /** What its graph says of several rows in one forward. */
  readonly rows: OpenModel["traits"];
}

/** `nearfree doctor [model]` */
export function defineDoctor(command: Command, runs: Runs): void {
  command
    .argument("[model]", "an .onnx file or model folder")
    .option("--context <n>", "positions in the KV cache of the profile wanted", nonNegativeInteger);
  addModelOptions(command).action(
    runs(async ({ output }, path: string | undefined, options: ModelOptions & { context?: number }) => {
      const warnings: string[] = [];
      const onWarning = (message: string) => void warnings.push(message);
      const root = options.cache ?? defaultCacheRoot();
      const store = defaultStore({ root, onWarning });
      const profiles = await store.list();
      const system = await Promise.all(systemCacheRoots().map(readSystem));
      const value = {
        node: process.versions.node,
        ...(await readRuntime(onWarning)),
        cache: await readCache(root),
        system,
        warnings,
        ...(path !== undefined && { model: await examine(path, options) }),
      };
      output.result(value, doctorText(value));

      async function examine(modelPath: string, { context }: typeof options): Promise<ModelReport> {
        const model = await openModel(modelPath, openOptions(options, onWarning));
        try {
          const wanted = profileKey(model, context);
          const found = await store.get(wanted);
          const standing = found && profileStanding(found);
          const differences = found
            ? []
            : (nearestKey(
                wanted,
                profiles.map(({ key }) => key),
              ) ?? []);
          const { layers, weightBytes } = model.summary;
          const label = modelLabel(model.folder);
          return {
            ...(label !== undefined && { label }),
            hash: wanted.model,
            profile: standing === "whole" ? "cached" : (standing ?? "none"),
            differences,
            runner: model.runner.describe(),
            form: model.form,
            endOfText: model.folder.endOfText,
            layers,
            weightBytes,
            rows: model.traits,
          };
        } finally {
          await model.release();
        }
      }
    }),
  );
}

interface CacheReport {
  /** Null for a user without a home folder. */
  readonly root: string | null;
  readonly writable: boolean;
  readonly profiles: number;
}

async function readCache(root: string | undefined): Promise<CacheReport> {
  if (root === undefined) return { root: null, writable: false, profiles: 0 };
  // What it warns of has been said by the store in front.
  return { root, writable: await isWritable(root), profiles: (await createFsStore({ root }).list()).length };
}

interface RuntimeReport {
  /** Null where it cannot be loaded; a warning then says why. */
  readonly runtime: string | null;
  readonly executionProviders: readonly { readonly name: string; readonly bundled: boolean }[];
}

async function readRuntime(onWarning: (message: string) => void): Promise<RuntimeReport> {
  try {
    const { listSupportedBackends } = await loadRuntime();
    const executionProviders = listSupportedBackends().map(({ name, bundled }) => ({ name, bundled }));
    const copies = loadedRuntimes();
    if (copies.length > 1) onWarning(severalRuntimes(copies));
    return { runtime: `onnxruntime-node ${runtimeVersion() ?? "unknown"}`, executionProviders };
  } catch (error) {
    if (!(error instanceof NearfreeError)) throw error;
    onWarning(error.message);
    return { runtime: null, executionProviders: [] };
  }
}

interface SystemReport {
  readonly root: string;
  readonly profiles: number;
}

async function readSystem(root: string): Promise<SystemReport> {
  return { root, profiles: (await createFsStore({ root, readOnly: true }).list()).length };
}

/** Whether the folder, or the nearest one above it that exists, can be written. */
async function isWritable(folder: string): Promise<boolean> {
  for (let at = folder; ; at = dirname(at)) {
    try {
      await access(at, constants.W_OK);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT" || at === dirname(at)) return false;
    }
  }
}

/** Which graph runs and why, and how it differs from the original, in one line. */
function formText({ form, reason, difference }: KvForm): string {
  const graph = form === "original" ? "the model's own" : `rewritten (${form})`;
  if (difference === undefined) return `${graph}: ${reason}`;
  const { largestError, flips, rows } = difference;
  const off = `${largestError.toPrecision(1)} of a row's spread at most, ${flips} other arg max in ${rows} rows`;
  return `${graph}: ${reason}; logits of the rewrite are off by ${off}`;
}

/** What the rows of a forward may do, in one line. */
function rowsText({ dependence, coarse, walls, window, unsteady }: OpenModel["traits"]): string {
  const facts = [
    dependence === undefined ? "independent" : `one at a time: ${dependence}`,
    ...(coarse === undefined ? [] : [`coarse kernels: ${coarse}`]),
    ...(unsteady === undefined ? [] : [`bits that depend on the length: ${unsteady}`]),
    ...(walls.length === 0 ? [] : [`no forward crosses position ${walls.join(", ")}`]),
    ...(window === undefined ? [] : [`attention window ${window}`]),
  ];
  return facts.join("; ");
}

function doctorText(value: {
  readonly node: string;
  readonly runtime: string | null;
  readonly executionProviders: RuntimeReport["executionProviders"];
  readonly cache: CacheReport;
  readonly system: readonly SystemReport[];
  readonly warnings: readonly string[];
  readonly model?: ModelReport;
}): string {
  const providers = value.executionProviders.map(({ name, bundled }) => (bundled ? name : `${name} (not bundled)`));
  const { cache, system, model, warnings } = value;
  const lines = [
    `Node.js              ${value.node}`,
    `runtime              ${value.runtime ?? "NOT loaded, see below"}`,
    `execution providers  ${providers.join(", ") || "none"}`,
    cache.root === null
      ? "cache                none"
      : `cache                ${cache.root}, ${cache.profiles} profiles, ${cache.writable ? "writable" : "NOT writable"}`,
    ...system.map(({ root, profiles }) => `system cache         ${root}, ${profiles} profiles, read-only`),
    ...warnings.map((warning) => `warning              ${warning}`),
  ];
  if (model !== undefined) {
    const name = modelName({ label: model.label, model: model.hash });
    lines.push(
      `model                ${name}, ${model.layers} layers, ${(model.weightBytes / 1e6).toFixed(1)} MB of weights`,
    );
    lines.push(`runner               ${JSON.stringify(model.runner)}`);
    lines.push(`graph                ${formText(model.form)}`);
    lines.push(`ends a text          ${endOfTextText(model.endOfText)}`);
    lines.push(`rows                 ${rowsText(model.rows)}`);
    lines.push(`profile              ${model.profile}`);
    for (const { field, wanted, stored } of model.differences) {
      lines.push(`  differs in ${field}: wanted ${wanted}, the nearest stored profile has ${stored}`);
    }
  }
  return lines.join("\n");
}
