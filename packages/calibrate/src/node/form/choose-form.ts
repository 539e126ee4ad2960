import { freemem } from "node:os";
import { NearfreeError, type Runner } from "@nearfree/core";
import { compareRunners } from "@nearfree/ort-adapter";
import type { ExaminedModel, OpenModelOptions } from "../examine-model.ts";
import { type FormVerdict, keepVerdict, readVerdict } from "./form-verdict.ts";
import { contextsToTime, formWorthTrying, type KvForm, speedText } from "./kv-form.ts";
import { type RewrittenModel, rewrittenModel } from "./rewritten-model.ts";
import { meanSpeed, timeForms } from "./time-forms.ts";

/** A graph that is loaded and wrapped. */
export interface OpenGraph {
  readonly runner: Runner;
  release(): Promise<void>;
}

/** How the two graphs of a model are opened. */
export interface OpenForms<Opened extends OpenGraph> {
  original(): Promise<Opened>;
  rewritten(model: RewrittenModel): Promise<Opened>;
}

/** Memory that a second copy of the weights may take of what is free, so that both graphs run side by side. */
const MOST_OF_MEMORY = 0.5;

/**
 * Opens the model in the form asked for, or (`auto`) in the one found best: the rewrite where its logits are those of the original and
 * its forwards are no slower. Both are found out once, by running both, and kept beside the rewrite.
 */
export async function openInForm<Opened extends OpenGraph>(
  examined: ExaminedModel,
  options: Pick<OpenModelOptions, "cache" | "kvCache" | "onWarning">,
  open: OpenForms<Opened>,
): Promise<Opened & { readonly form: KvForm }> {
  const { kvCache = "auto", onWarning } = options;
  const found = await openRewrite(examined, options, open).catch(unusable);
  if (!("against" in found)) return found;
  const { against, verdict, obstacle = false } = found;
  const wantsOther = kvCache === "lean" || kvCache === "rows" || obstacle;
  if (wantsOther) onWarning?.(`${examined.folder.modelPath}: the original graph runs: ${against}`);
  return { ...(await open.original()), form: toForm("original", against, verdict) };
}

/** Why the original runs, with what was found where both were run. */
interface Against {
  readonly against: string;
  readonly verdict?: FormVerdict | undefined;
  /** Somebody can do something about it. */
  readonly obstacle?: true;
}

/** What fails on the way to a rewrite is no reason to fail: where the trouble is the model's own, its own graph says so. */
function unusable(error: unknown): Against {
  if (error instanceof NearfreeError) return { against: `the rewritten one does not run (${error.message})` };
  throw error;
}

async function openRewrite<Opened extends OpenGraph>(
  examined: ExaminedModel,
  options: Pick<OpenModelOptions, "cache" | "kvCache" | "onWarning">,
  open: OpenForms<Opened>,
): Promise<(Opened & { readonly form: KvForm }) | Against> {
  const found = await lookUp(examined, options);
  if ("against" in found) return found;
  const auto = (options.kvCache ?? "auto") === "auto";
  const { rewrite, verdict } = found;
  if (verdict !== undefined) {
    return { ...(await open.rewritten(rewrite)), form: toForm(rewrite.form, whyRewrite(verdict, auto), verdict) };
  }
  const short = auto ? tooLarge(examined) : undefined;
  return short === undefined ? openBoth(examined, rewrite, auto, options, open) : { against: short };
}

/** The form that `openModel` would run by what earlier starts found, without running anything. */
export async function knownForm(
  examined: ExaminedModel,
  options: Pick<OpenModelOptions, "cache" | "kvCache">,
): Promise<KvForm["form"]> {
  const found = await lookUp(examined, options);
  if ("against" in found) return "original";
  const asked = (options.kvCache ?? "auto") !== "auto";
  return asked || found.verdict !== undefined ? found.rewrite.form : "original";
}

/** What can be said without running anything: why the original runs, or the rewrite, with its verdict where an earlier start left all of it. */
async function lookUp(
  examined: ExaminedModel,
  { kvCache = "auto", cache }: Pick<OpenModelOptions, "cache" | "kvCache">,
): Promise<Against | { readonly rewrite: RewrittenModel; readonly verdict: FormVerdict | undefined }> {
  if (kvCache === "original" || kvCache === "in-place" || kvCache === "growing") return { against: "as asked for" };
  const auto = kvCache === "auto";
  const wanted = auto ? formWorthTrying(examined) : kvCache;
  if (typeof wanted !== "string") return { against: wanted.reason };
  const rewrite = await rewrittenModel(examined, wanted, { cache });
  if ("reason" in rewrite) return { against: rewrite.reason, ...(rewrite.obstacle && { obstacle: true }) };
  const verdict = await readVerdict(rewrite.path, examined.environment);
  const against = verdict && whyOriginal(verdict, auto);
  if (against !== undefined) return { against, verdict };
  return { rewrite, verdict: auto && verdict?.speeds === undefined ? undefined : verdict };
}

/** The first start: runs both graphs, keeps what was found, and goes on with one. */
async function openBoth<Opened extends OpenGraph>(
  examined: ExaminedModel,
  rewrite: RewrittenModel,
  auto: boolean,
  { onWarning }: Pick<OpenModelOptions, "onWarning">,
  open: OpenForms<Opened>,
): Promise<Opened & { readonly form: KvForm }> {
  const candidate = await open.rewritten(rewrite);
  const original = await releasing([candidate], () => open.original());
  const verdict = await releasing([candidate, original], async (): Promise<FormVerdict> => {
    const difference = await compareRunners(original.runner, candidate.runner, examined.traits);
    if (difference.fault !== undefined || !auto) return difference;
    const speeds = await timeForms(original.runner, candidate.runner, { contexts: contextsToTime(examined) });
    return { ...difference, speeds };
  });
  await keepVerdict(rewrite.path, examined.environment, verdict);
  const against = whyOriginal(verdict, auto);
  if (against === undefined) {
    await original.release();
    return { ...candidate, form: toForm(rewrite.form, whyRewrite(verdict, auto), verdict) };
  }
  await candidate.release();
  if (!auto) onWarning?.(`${examined.folder.modelPath}: the original graph runs: ${against}`);
  return { ...original, form: toForm("original", against, verdict) };
}

/** Runs `work`; where it fails, what is open is released first. */
async function releasing<T>(opened: readonly OpenGraph[], work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    for (const graph of opened) await graph.release();
    throw error;
  }
}

/** Why the original runs although there is a rewrite; undefined where the rewrite may. */
function whyOriginal({ fault, speeds, flips, rows }: FormVerdict, auto: boolean): string | undefined {
  if (fault !== undefined) return `the rewritten one is not used, ${fault}`;
  if (!auto) return undefined;
  if (flips > 0) return `the rewritten one gives another arg max in ${flips} of ${rows} rows`;
  if (speeds === undefined || meanSpeed(speeds) >= 1) return undefined;
  return `the rewritten one is no faster: ${speedText(speeds)}`;
}

function whyRewrite({ speeds }: FormVerdict, auto: boolean): string {
  return auto && speeds !== undefined ? speedText(speeds) : "as asked for";
}

function toForm(form: KvForm["form"], reason: string, verdict: FormVerdict | undefined): KvForm {
  if (verdict === undefined) return { form, reason };
  const { speeds, ...difference } = verdict;
  return { form, reason, difference, ...(speeds !== undefined && { speeds }) };
}

/** Why the two graphs cannot run side by side here; undefined where they can. */
function tooLarge({ summary }: ExaminedModel): string | undefined {
  const free = freemem();
  if (summary.weightBytes <= free * MOST_OF_MEMORY) return undefined;
  const [needed, there] = [summary.weightBytes, free].map((bytes) => `${(bytes / 1e9).toFixed(1)} GB`);
  return `comparing it with a rewrite wants its ${needed} of weights twice, and ${there} are free; ask for lean or rows`;
}
