import fc from "fast-check";
import { expect, it, test } from "vitest";
import type { KernelClass } from "./graph-summary.ts";
import { tabulatedRows } from "./kernel-table.ts";

const rowsAt = (
  executionProvider: string,
  kernel: { [K in keyof KernelClass]?: KernelClass[K] | undefined },
  ...at: number[]
) => {
  const table = tabulatedRows({ executionProvider, device: { arch: "x64" } }, {
    operator: "MatMul",
    activation: "float32",
    weight: "float32",
    ...kernel,
  } as KernelClass);
  return at.map((n) => table[n - 1]!.value);
};

test.each([
  ["cpu", { operator: "MatMul" }, [1, 6, 6, 12, 12, 24]],
  ["cpu", { operator: "MatMulInteger" }, [1, 6, 6, 12, 12, 18]],
  ["cpu", { operator: "MatMulNBits", accuracyLevel: 4 }, [1, 2, 6, 8, 12, 14]],
  ["cpu", { operator: "MatMulNBits", accuracyLevel: 0 }, [1, 30, 30, 36, 36, 48]],
  ["cpu", { operator: "GroupQueryAttention", weight: undefined }, [1, 2, 6, 7, 12, 13]],
  ["cpu", { operator: "GroupQueryAttention", weight: undefined, cache: "lean" }, [1, 14, 14, 20, 20, 32]],
  ["cpu", { operator: "MoE" }, [1, 2, 6, 7, 12, 13]],
  ["webgpu", { operator: "MatMul" }, [1, 8, 8, 8, 32, 32]],
  ["no-such-ep", { operator: "MatMul" }, [1, 64, 64, 64, 64, 64]],
] as const)("%s %j: rows for 1, 2, 6, 7, 12 and 13 positions", (ep, kernel, expected) => {
  expect(rowsAt(ep, kernel, 1, 2, 6, 7, 12, 13)).toEqual(expected);
});

it("never computes fewer rows than it is given, nor fewer for more: any provider, operator and level", () => {
  const kernel = fc.record({
    operator: fc.constantFrom("MatMul", "Gemm", "MatMulNBits", "MatMulInteger", "QMoE", "GroupQueryAttention", "Foo"),
    activation: fc.constant("float32"),
    accuracyLevel: fc.constantFrom(0, 1, 4),
  });
  const place = fc.record({
    executionProvider: fc.constantFrom("cpu", "wasm", "webgpu", "cuda", "coreml"),
    device: fc.record({ arch: fc.constantFrom("x64", "arm64") }),
  });
  fc.assert(
    fc.property(place, kernel, (environment, given) => {
      const table = tabulatedRows(environment, given);
      for (const [i, { positions, value }] of table.entries()) {
        expect(positions).toBe(i + 1);
        expect(value).toBeGreaterThanOrEqual(positions);
        expect(value).toBeGreaterThanOrEqual(table[i - 1]?.value ?? 1);
      }
    }),
  );
});
