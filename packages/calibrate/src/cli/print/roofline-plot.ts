import { KernelModel, type KernelSignature } from "@nearfree/core/principle";
import { className } from "./class-name.ts";

const HEIGHT = 12;
/** Columns: n = 1, 2, 4, .. 64, so many characters apart. */
const POSITIONS = [1, 2, 4, 8, 16, 32, 64] as const;
const STEP = 9;
const MARKS = "abcdefghij";
const LEFT = 9;

/**
 * GFLOP/s that a product reaches against the positions of a forward, operands from beyond the cache, both axes logarithmic: the
 * slope is bandwidth, the level arithmetic, and what lies below both is granularity. One letter a class.
 */
export function rooflinePlot(kernels: readonly KernelSignature[]): string {
  if (kernels.length === 0) return "no kernel class was measured";
  const shown = kernels.slice(0, MARKS.length);
  const curves = shown.map((kernel) => POSITIONS.map((n) => reached(kernel, n)));
  const values = curves.flat();
  const [low, high] = [Math.log(Math.min(...values)), Math.log(Math.max(...values))];
  const rowOf = (value: number) => Math.round(((Math.log(value) - low) / Math.max(high - low, 1e-9)) * (HEIGHT - 1));
  const grid = Array.from({ length: HEIGHT }, () => new Array<string>(STEP * (POSITIONS.length - 1) + 1).fill(" "));
  curves.forEach((curve, i) => {
    curve.forEach((value, column) => {
      grid[rowOf(value)]![column * STEP] = MARKS[i]!;
    });
  });
  const lines = grid.map((cells, row) => {
    const value = Math.exp(low + (row / (HEIGHT - 1)) * (high - low));
    const label = row % 3 === 0 || row === HEIGHT - 1 ? value.toPrecision(3) : "";
    return `${label.padStart(LEFT)} |${cells.join("").trimEnd()}`;
  });
  const axis = POSITIONS.map((n) => String(n).padEnd(STEP)).join("");
  const legend = shown.map(({ kernel }, i) => `${MARKS[i]} ${className(kernel)}`).join("   ");
  return [
    "GFLOP/s reached, operands beyond the cache",
    ...lines.reverse(),
    `${"n".padStart(LEFT)}  ${axis.trimEnd()}`,
    legend,
  ].join("\n");
}

/** A product whose operands are as many as one FLOP a position needs: what the class's own curve was measured on. */
function reached(signature: KernelSignature, positions: number): number {
  const model = new KernelModel(signature, 1);
  const bytes = bytesPerFlop(signature);
  return positions / model.overlappedMs(bytes, 1, positions) / 1e6;
}

/** Bytes of operands for each FLOP of a position: two FLOPs a weight, or two for each cached number. */
function bytesPerFlop({ kernel }: KernelSignature): number {
  const bits = { int4: 4, int8: 8, float16: 16 }[kernel.weight ?? kernel.activation] ?? 32;
  return bits / 8 / 2;
}
