import { extname } from "node:path";
import { NearfreeError, type Profile } from "@nearfree/core";
import { type Command, Option } from "commander";
import { defaultStore } from "../../node/default-store.ts";
import type { PredictionOf } from "../../report/group-section.ts";
import { modelName } from "../../report/model-name.ts";
import { chooseProfiles } from "../choose-profiles.ts";
import type { Runs } from "../command-context.ts";
import { addCacheOption, addDeviceOption } from "../shared-options.ts";
import { writeOutputFile } from "../write-output-file.ts";

const FORMATS = ["html", "svg", "json"] as const;
type Format = (typeof FORMATS)[number];

interface ReportOptions {
  readonly cache?: string;
  readonly out?: string;
  readonly format?: Format;
  readonly predict?: string;
  readonly device?: string;
}

/** `nearfree report [name]` */
export function defineReport(command: Command, runs: Runs): void {
  command
    .argument("[name]", "only models of this label, or whose structure hash starts with this")
    .option("--out <file>", "where to write (default: nearfree-report.<format>)")
    .addOption(
      new Option(
        "--format <name>",
        "page, figure of the newest profile, or data (default: by --out, else html)",
      ).choices(FORMATS),
    );
  command.option("--predict <model>", "an .onnx file or model folder: what its graph predicts, beside its profiles");
  addDeviceOption(addCacheOption(command)).action(
    runs(async ({ output }, name: string | undefined, options: ReportOptions) => {
      const store = defaultStore({ root: options.cache, onWarning: (message) => output.log.warn(message) });
      const profiles = chooseProfiles(await store.list(), name);
      if (profiles.length === 0) throw noProfiles();
      const format = options.format ?? formatOf(options.out) ?? "html";
      const text = await render(profiles, format, await predictions(profiles, options));
      const path = await writeOutputFile(options.out ?? `nearfree-report.${format}`, text);
      const { reportValue } = await import("../../report/report-value.ts");
      const groups = reportValue(profiles).groups.map(({ label, model, headline, verdict }) => ({
        ...(label !== undefined && { label }),
        model,
        headline,
        verdict,
      }));
      const lines = groups.map((group) => `${modelName(group)}  ${group.headline} ${group.verdict}`);
      output.result({ path, format, profiles: profiles.length, groups }, [...lines, `written to ${path}`].join("\n"));
    }),
  );
}

/** Without a model to predict, nothing that reads one is loaded. */
async function predictions(profiles: readonly Profile[], options: ReportOptions): Promise<PredictionOf> {
  if (options.predict === undefined) return () => undefined;
  return (await import("../print/report-predictions.ts")).predictionsOf(profiles, options);
}

/** What draws is loaded when something is to be drawn: other commands start without it. */
async function render(profiles: readonly Profile[], format: Format, predictionOf: PredictionOf): Promise<string> {
  const { reportValue } = await import("../../report/report-value.ts");
  if (format === "json") return `${JSON.stringify(reportValue(profiles), null, 2)}\n`;
  const { parseHTML } = await import("linkedom");
  const { document } = parseHTML("<!doctype html><html></html>");
  if (format === "html")
    return (await import("../../report/render-report.ts")).renderReport(profiles, { document, predictionOf });
  const newest = profiles.reduce((a, b) => (b.measuredAt > a.measuredAt ? b : a));
  return (await import("../../report/figures/curve-figure.ts")).renderCurveSvg(newest, { document });
}

function formatOf(path = ""): Format | undefined {
  const extension = extname(path).slice(1).toLowerCase();
  return FORMATS.find((format) => format === extension);
}

function noProfiles(): NearfreeError {
  return new NearfreeError({
    code: "missing-file",
    from: "calibrate",
    what: "report",
    expected: "a cached profile",
    received: "none",
    remedy: "run `nearfree calibrate <model>` first",
  });
}
