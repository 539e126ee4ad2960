import type { Cell } from "@nearfree/core";
import {
  type DeviceSignature,
  type GraphSummary,
  type ModuleSummary,
  tableAt,
  tabulatedRows,
} from "@nearfree/core/principle";

const MAX_POSITIONS = 64;
/** The class whose balance stands for the device. */
export const FLOAT32 = { operator: "MatMul", activation: "float32", weight: "float32" } as const;

/** A simpler prediction: a curve that only its shape is judged of. */
export interface Rival {
  readonly name: string;
  readonly costMs: readonly number[];
}

/**
 * What is left of the principle without its parts: `balance`, one roofline of the whole model; `balance-tiles`, the same with the rows
 * that core's kernel table says each operator computes. Both know the device by the balance of fp32 alone, as a profile does.
 */
export function rivalsOf(summary: GraphSummary, signature: DeviceSignature, { contextLength }: Cell): Rival[] {
  const dense = signature.kernels.find(
    ({ kernel }) => kernel.operator === FLOAT32.operator && kernel.weight === FLOAT32.weight,
  );
  if (dense === undefined) return [];
  const { flopsPerSecond, bytesPerSecond } = dense;
  const curve = (rows: (module: ModuleSummary, n: number) => number) =>
    Array.from({ length: MAX_POSITIONS }, (_, i) => {
      const n = i + 1;
      const bytes = summary.modules.reduce((sum, module) => sum + bytesOf(module, contextLength), 0);
      const flops = summary.modules.reduce(
        (sum, module) =>
          sum + (module.flopsPerPosition + module.flopsPerContextPosition * contextLength) * rows(module, n),
        0,
      );
      return 1_000 * Math.max(bytes / bytesPerSecond.beyond, flops / flopsPerSecond);
    });
  return [
    { name: "balance", costMs: curve((_, n) => n) },
    {
      name: "balance-tiles",
      costMs: curve(({ kernel }, n) => tableAt(tabulatedRows(signature.environment, kernel), n)),
    },
  ];
}

/** Bytes that a forward of one position reads. */
function bytesOf({ weightBytes, kvBytesPerPosition, experts }: ModuleSummary, contextLength: number): number {
  const share = experts === undefined ? 1 : experts.active / experts.count;
  return weightBytes * share + kvBytesPerPosition * contextLength;
}
