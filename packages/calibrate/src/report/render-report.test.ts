import type { ProfileKey } from "@nearfree/core";
import * as fc from "fast-check";
import { parseHTML } from "linkedom";
import { describe, expect, test } from "vitest";
import { anyProfile, fullProfile, plainProfile, TEST_KEY } from "../testing/profiles.ts";
import { renderCurveSvg } from "./figures/curve-figure.ts";
import { renderReport } from "./render-report.ts";

const { document } = parseHTML("<!doctype html><html></html>");
const page = (...profiles: Parameters<typeof renderReport>[0]) => renderReport(profiles, { document });
const parsed = (text: string) => parseHTML(text).document;
const textOf = (text: string, selector: string) => parsed(text).querySelector(selector)?.textContent;
/** The elements of a page or figure, in order, without its text. */
const structure = (text: string) => [...parsed(text).querySelectorAll("*")].map(({ tagName }) => tagName);

const grid = [128, 1024].flatMap((contextLength) =>
  [1, 4].map((batch) => fullProfile({ key: { cell: { contextLength, batch } } })),
);
const HOSTILE = [
  `</title><script>alert(1)</script>`,
  `"><img src=x onerror=alert(1)>`,
  "]]>",
  "<!--",
  "&lt;",
  "\u0000\u202e",
];
const name = fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom(...HOSTILE));

/** The same key in names without a special character. */
function plainlyNamed({ environment, ...key }: ProfileKey): ProfileKey {
  const options = Object.fromEntries(Object.keys(environment.options).map((_, i) => [`option${i}`, "value"]));
  return { ...key, model: "model", environment: { ...TEST_KEY.environment, threads: environment.threads, options } };
}

describe("renderReport", () => {
  test("one cell: what it is worth comes first, then the verdict; figure, tables and key follow", () => {
    const text = page({ ...fullProfile(), label: "tiny-ts" });
    const worth = "2.80 times as fast with 6 positions, where 7 of 10 draft tokens are accepted.";
    expect(textOf(text, "title")).toBe(`tiny-ts (${TEST_KEY.model.slice(0, 12)}): ${worth}`);
    expect(textOf(text, "h1")).toBe(worth);
    expect(textOf(text, ".kicker")).toMatch(/^tiny-ts 0123456789ab on cpu/);
    expect(textOf(text, ".lead")).toMatch(/^6 positions are near-free; idle compute promises 19\. Every forward/);
    const captions = [...parsed(text).querySelectorAll("caption, h4")].map(({ textContent }) => textContent);
    expect(captions).toEqual([
      "What it is worth",
      "Boundary",
      "Stairs, mostly 6 wide",
      "Inversions",
      "Quality of the measurement",
      "Bits of the logits",
      "Idle-compute baseline",
      "Measured n",
      "Environment and key",
    ]);
    expect(text).toContain(TEST_KEY.model);
    expect(text).toContain("ratios above 1.004");
    expect(text).toContain("1.4 × 10⁻⁵");
  });

  test("without what is optional it reads as well", () => {
    const text = page(plainProfile());
    expect(text).toContain("not recorded");
    expect(text).not.toMatch(/Stairs|Inversions|undefined|NaN/);
    expect(textOf(text, ".kicker")).toMatch(/^model 0123456789ab on cpu/);
  });

  test("a cell where noise hides all says so, and promises nothing", () => {
    const text = page(plainProfile({ curve: [[1, 1]], level: "unresolvable" }));
    expect(textOf(text, "h1")).toMatch(/^Too much noise/);
    expect(text).not.toContain("What it is worth");
    expect(text).toContain("lost in noise");
  });

  test("several cells: a map of them first, each with its curve", () => {
    const dom = parsed(page(...grid));
    for (const width of ["wide", "narrow"]) expect(dom.querySelectorAll(`figure svg.${width}`)).toHaveLength(5);
    expect([...dom.querySelectorAll("summary")].map(({ firstChild }) => firstChild?.textContent?.trim())).toEqual([
      "Context 128, batch 1",
      "Context 1024, batch 1",
      "Context 128, batch 4",
      "Context 1024, batch 4",
    ]);
  });

  test("drift is explained where it stands", () => {
    expect(page(fullProfile())).toMatch(/<dt>drift<\/dt><dd>−1\.2%: T\(1\) at the end against T\(1\) at the start\./);
  });

  test("several models: an overview whose links lead to the sections", () => {
    const dom = parsed(page(fullProfile(), plainProfile({ key: { model: "another" } })));
    const links = [...dom.querySelectorAll("header a")].map((link) => link.getAttribute("href")!.slice(1));
    expect(links).toEqual([...dom.querySelectorAll("main section.group")].map(({ id }) => id));
    expect(links).toHaveLength(2);
    const cells = [...dom.querySelectorAll("header tbody tr:first-child > *")].map(({ textContent }) => textContent);
    expect(cells.slice(1, 5)).toEqual(["2.80×", "6", "6", "19"]);
    expect(dom.querySelector("h1")?.textContent).toBe("2 models in 1 environment: up to 2.80 times as fast");
  });

  test("nothing to run and nothing to fetch", () => {
    const text = page(...grid, plainProfile({ key: { model: "another" } }));
    expect(text).not.toMatch(/<script|<link|<img|\son\w+=|url\(|@import|https?:(?!\/\/www\.w3\.org\/)/i);
    expect(text).toContain(`default-src 'none'`);
  });

  test("equal profiles give an equal page", () => expect(page(...grid)).toBe(page(...grid)));

  test("refuses to report on nothing", () => {
    expect(() => page()).toThrow(/\[calibrate\] profiles of a report: expected at least one/);
  });

  test("no name changes the structure of the page or figure, and every valid profile can be drawn", () => {
    fc.assert(
      fc.property(anyProfile(name), (profile) => {
        const named = profile.label !== undefined && { label: "a label" };
        const plain = { ...profile, ...named, measuredAt: "some day", key: plainlyNamed(profile.key) };
        const text = page(profile);
        expect(structure(text)).toEqual(structure(page(plain)));
        expect(text.replaceAll(/&#?\w+;/g, "")).not.toMatch(/\bNaN\b|Infinity\b/);
        const [figure, plainFigure] = [profile, plain].map((each) => structure(renderCurveSvg(each, { document })));
        expect(figure).toEqual(plainFigure);
      }),
      { numRuns: 60 },
    );
  });
});

describe("renderCurveSvg", () => {
  const text = renderCurveSvg(fullProfile(), { document });

  test("is a whole SVG file with a name, a size and colours for light and dark", () => {
    expect(text).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" width="\d+" height="\d+"/);
    expect(textOf(text, "svg > title")).toMatch(/^model 0123456789ab: 2\.80 times as fast with 6 positions/);
    expect(text).toContain("prefers-color-scheme:dark");
  });

  test("labels every tick of a steep curve, and keeps labels apart", () => {
    const steep = [1, 2, 3, 4, 8, 16, 32].map((n) => [n, 1 + (n - 1) / 2]);
    const dom = parsed(renderCurveSvg(plainProfile({ curve: steep }), { document }));
    const all = [...dom.querySelectorAll("[aria-label='y-axis tick label'] text")];
    const ticks = all.filter(({ textContent }) => Number.isFinite(Number(textContent)));
    const labels = ticks.map(({ textContent }) => textContent!);
    for (const label of ["1", "2", "4", "8", "16"]) expect(labels).toContain(label);
    const heights = ticks.map((tick) => Number(/translate\([^,]+,([^)]+)\)/.exec(tick.getAttribute("transform")!)![1]));
    const sorted = heights.sort((a, b) => a - b);
    for (let i = 1; i < sorted.length; i++) expect(sorted[i]! - sorted[i - 1]!).toBeGreaterThan(18);
  });

  test("labels the boundary, the other right edges, the inversion and the baseline", () => {
    const labels = [...parsed(text).querySelectorAll("text")].map(({ textContent }) => textContent);
    for (const label of ["6", "12", "run 7 as 8: 0.93×", "idle compute: 19", "n forwards of 1", "ε 0.05"]) {
      expect(labels).toContain(label);
    }
  });
});
