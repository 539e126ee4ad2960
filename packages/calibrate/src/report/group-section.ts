import type { Environment, Profile } from "@nearfree/core";
import type { Prediction } from "@nearfree/core/principle";
import { cellName, cellSection } from "./cell-section.ts";
import { type FigureDocument, WIDTHS } from "./figures/figure.ts";
import { heatMapFigure } from "./figures/heat-map-figure.ts";
import type { ProfileGroup } from "./group-profiles.ts";
import { environmentFacts } from "./key-facts.ts";
import { type Content, html, type Markup } from "./markup.ts";
import { modelMarkup } from "./model-name.ts";
import { gridVerdict, verdict, verdictDetail } from "./verdict.ts";
import { worthHeadline } from "./worth-words.ts";

/** `cpu, onnxruntime-node 1.30.0, 2 threads` */
export function environmentName({ executionProvider, runtime, runtimeVersion, threads }: Environment): string {
  return `${executionProvider}, ${runtime} ${runtimeVersion}, ${threads} ${threads === 1 ? "thread" : "threads"}`;
}

/** What was predicted for the cell of a profile, where something was. */
export type PredictionOf = (profile: Profile) => Prediction | undefined;

/** One model in one environment: the verdict first, the map of its cells, then each cell. */
export function groupSection(
  group: ProfileGroup,
  document: FigureDocument,
  { isOnly, predictionOf }: { readonly isOnly: boolean; readonly predictionOf: PredictionOf },
): Markup {
  const { profiles, id } = group;
  const environment = environmentFacts(group);
  const [first] = profiles;
  const device = group.environment.device.cpu ?? group.environment.device.adapter;
  const kicker = [
    modelMarkup(group),
    ` on ${environmentName(group.environment)}`,
    device !== undefined && `; ${device}`,
  ];
  const heading = (content: Content) => (isOnly ? html`<h1>${content}</h1>` : html`<h2>${content}</h2>`);
  const single = profiles.length === 1;
  const lead = single
    ? html`<b>${unbroken(verdict(first!))}</b> ${verdictDetail(first!)} Measured at ${cellName(first!)}.`
    : html`<b>${unbroken(gridVerdict(profiles))}</b> ${profiles.length} cells of context and batch; each has its curve below.`;
  return html`<section class="group" id="g${id}">
<p class="kicker">${kicker}</p>
${heading(unbroken(worthHeadline(profiles)))}
<p class="lead">${lead}</p>
${single ? cellSection(first!, document, { aside: environment, prediction: predictionOf(first!) }) : html`${cells(group, document, predictionOf)}<div class="tables">${environment}</div>`}
</section>
`;
}

function cells({ profiles }: ProfileGroup, document: FigureDocument, predictionOf: PredictionOf): Markup {
  const sections = profiles.map(
    (profile, i) => html`<details${i === 0 && html` open`}>
<summary>${sentenceCase(cellName(profile))} <span>${worthHeadline([profile])}</span></summary>
<p class="lead"><b>${unbroken(verdict(profile))}</b> ${verdictDetail(profile)}</p>
${cellSection(profile, document, { prediction: predictionOf(profile) })}</details>
`,
  );
  return html`<figure>${WIDTHS.map((shownOn) => heatMapFigure(profiles, document, shownOn))}<figcaption>Near-free positions by context and batch, a map for every ε; ~ marks a boundary that no interval decides, ? one that noise hides. The stronger the shade, the more.</figcaption></figure>
${sections}`;
}

const sentenceCase = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

/** Headings are balanced by the browser, which would also break within these. */
function unbroken(sentence: string): Content {
  return sentence.split(/(near-free|\d+–\d+)/).map((part, i) => (i % 2 === 1 ? html`<i>${part}</i>` : part));
}
