export { boundaryTable } from "./boundary-table.ts";
export { curveChart } from "./chart.ts";
