import type { DeviceSignature, KernelSignature } from "@nearfree/core/principle";
import type { Command } from "commander";
import { examineModel } from "../../node/examine-model.ts";
import { knownForm } from "../../node/form/choose-form.ts";
import { loadOrMeasureSignature } from "../../node/predict/load-or-measure-signature.ts";
import type { Runs } from "../command-context.ts";
import { className } from "../print/class-name.ts";
import { rooflinePlot } from "../print/roofline-plot.ts";
import { textTable } from "../print/text-table.ts";
import { addModelOptions, type ModelOptions, openOptions } from "../shared-options.ts";

interface DeviceOptions extends ModelOptions {
  readonly fresh: boolean;
}

/** Rows of which the table shows what the kernel computes. */
const SHOWN_ROWS = [1, 2, 4, 6, 8, 12, 16, 32] as const;

/** `nearfree device <model>` */
export function defineDevice(command: Command, runs: Runs): void {
  command
    .argument("<model>", "an .onnx file, or a model folder; its weights are not read")
    .option("--fresh", "measure again what is in the cache", false);
  addModelOptions(command).action(
    runs(async ({ output, signal }, path: string, options: DeviceOptions) => {
      const onWarning = (message: string) => output.log.warn(message);
      const model = await examineModel(path, openOptions(options, onWarning));
      const form = await knownForm(model, options);
      const signature = await loadOrMeasureSignature(
        { ...model, form: { form } },
        {
          root: options.cache,
          fresh: options.fresh,
          signal,
          onWarning,
          onProgress: (what) => output.log.info(`measuring ${what}`),
        },
      );
      output.result(signature, deviceText(signature));
    }),
  );
}

/** The signature as a table and a roofline plot. */
export function deviceText(signature: DeviceSignature): string {
  const { environment, cache, elementWise, host, kernels, measuredAt, run } = signature;
  const classes = textTable(
    ["class", "GB/s in", "GB/s beyond", "GFLOP/s", "overlap p", "us a call", ...SHOWN_ROWS.map((n) => `u(${n})`)],
    kernels.map(classRow),
    { words: [0] },
  );
  return [
    `${environment.executionProvider}, ${environment.threads} threads, ${signature.origin} ${measuredAt.slice(0, 10)} (${(run.ms / 1000).toFixed(0)} s)`,
    `last-level cache: inside up to ${megabytes(cache.insideBytes)}, beyond from ${megabytes(cache.beyondBytes)}`,
    `a run ${microseconds(host.runMs)}, a node without weights ${microseconds(elementWise.nodeMs)} + ${(1e6 * elementWise.elementMs).toFixed(2)} ns an element`,
    "",
    classes,
    "",
    rooflinePlot(kernels),
  ].join("\n");
}

function classRow({ kernel, bytesPerSecond, flopsPerSecond, overlap, nodeMs, rows }: KernelSignature): string[] {
  const giga = (value: number) => (value / 1e9).toFixed(1);
  const shown = SHOWN_ROWS.map((n) => rows.find(({ positions }) => positions === n)?.value.toFixed(1) ?? "-");
  const { inside, beyond } = bytesPerSecond;
  return [
    className(kernel),
    giga(inside),
    giga(beyond),
    giga(flopsPerSecond),
    String(overlap),
    microseconds(nodeMs),
    ...shown,
  ];
}

const microseconds = (ms: number) => `${(1_000 * ms).toFixed(1)} us`;
const megabytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)} MB`;
