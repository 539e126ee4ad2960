export { renderCurveSvg } from "./figures/curve-figure.ts";
export type { FigureDocument, FigureOptions, Panel } from "./figures/figure.ts";
export { COLOUR, figureSvg } from "./figures/figure.ts";
export { type RenderOptions, renderReport } from "./render-report.ts";
export { REPORT_VERSION, type ReportCell, type ReportValue, reportValue } from "./report-value.ts";
export { verdict } from "./verdict.ts";
