import type { Environment } from "../contracts/environment.ts";
import type { SignaturePoint } from "./device-signature.ts";
import type { KernelClass } from "./graph-summary.ts";

/** Rows that a kernel computes at a time, by EP and operator; `extra` rows' worth of work that begins with the second position. */
interface TileRule {
  readonly ep: RegExp;
  readonly operator: RegExp;
  /** `device.arch` of the environment. */
  readonly arch?: RegExp;
  readonly accuracyLevel?: RegExp;
  /** [first n, tile]: the tile from that n on. */
  readonly tiles: readonly (readonly [from: number, tile: number])[];
  readonly extra?: number;
}

const ATTENTION = /Attention$/;
const PRODUCT = /^(Fused)?(MatMul|Gemm)$/;
const INTEGER = /^(MatMulInteger|DynamicQuantizeMatMul|MatMulIntegerToFloat|QLinearMatMul|QGemm)$/;
const EXPERTS = /MoE$/;

/**
 * Read from the sources of ONNX Runtime 1.30; the first rule that fits holds. MatMul stands for products with stored weights;
 * `extra` is a guess from above where the sources show a cliff from one position to two.
 */
const RULES: readonly TileRule[] = [
  // MLAS, fp32 with packed weights: 4 rows on arm; with AVX512 passes of 12 rows, below that of 1 to 6.
  { ep: /^cpu$/, operator: PRODUCT, arch: /arm/, tiles: [[1, 4]] },
  {
    ep: /^cpu$/,
    operator: PRODUCT,
    tiles: [
      [1, 6],
      [7, 12],
    ],
  },
  // MLAS, integer products: strides of 6 rows on x64, 8 on arm.
  { ep: /^cpu$/, operator: INTEGER, arch: /arm/, tiles: [[1, 8]] },
  { ep: /^cpu$/, operator: INTEGER, tiles: [[1, 6]] },
  // MLAS, 4-bit weights with int8 activations: tiles of 2 rows and 4 columns on x64, 4 rows on arm (16 with KleidiAI).
  { ep: /^cpu$/, operator: /^MatMulNBits$/, accuracyLevel: /^4$/, arch: /arm/, tiles: [[1, 16]] },
  { ep: /^cpu$/, operator: /^MatMulNBits$/, accuracyLevel: /^4$/, tiles: [[1, 2]] },
  // Other levels have a kernel for one row; more rows dequantise all weights to fp32 first.
  {
    ep: /^cpu$/,
    operator: /^MatMulNBits$/,
    tiles: [
      [1, 6],
      [7, 12],
    ],
    extra: 24,
  },
  // CPU MoE and QMoE: each expert's own rows, no padding.
  { ep: /^cpu$/, operator: EXPERTS, tiles: [[1, 1]] },
  { ep: /^(cpu|wasm)$/, operator: ATTENTION, tiles: [[1, 1]] },
  // MLAS in WebAssembly: 2 rows at a time; the quantised operators unpack all weights on every run, one position or many.
  { ep: /^wasm$/, operator: /./, tiles: [[1, 2]] },
  // WebGPU: tiles of 8 x 32 up to 8 rows, then 32 x 32; Gemm 32 x 32.
  { ep: /^webgpu$/, operator: /^Gemm$/, tiles: [[1, 32]] },
  {
    ep: /^webgpu$/,
    operator: PRODUCT,
    tiles: [
      [1, 8],
      [9, 32],
    ],
  },
  // WebGPU, 4-bit: weights read again for each of 2 or 3 rows; wide tiles of 16 to 64 rows after.
  { ep: /^webgpu$/, operator: /^MatMulNBits$/, tiles: [[1, 64]] },
  // WebGPU attention: split-reduce below 32 rows with query tiles of 1, 2 or 4, 64-row tiles from there on.
  {
    ep: /^webgpu$/,
    operator: ATTENTION,
    tiles: [
      [1, 4],
      [32, 64],
    ],
  },
  // From two tokens on, a readback from the GPU in every layer.
  { ep: /^webgpu$/, operator: EXPERTS, tiles: [[1, 1]], extra: 256 },
  // CUDA, 4-bit: a kernel for 2 to 16 rows, then dequantisation and cuBLAS.
  {
    ep: /^(cuda|tensorrt)$/,
    operator: /^MatMulNBits$/,
    tiles: [
      [1, 16],
      [17, 64],
    ],
  },
  // XQA serves one position only; flash decoding the others.
  { ep: /^(cuda|tensorrt)$/, operator: ATTENTION, tiles: [[1, 64]] },
];
/** Where nothing is known: the largest tile of any kernel above. */
const UNKNOWN: readonly (readonly [number, number])[] = [[1, 64]];

/** n up to which the table is written out; the signature's tables go on along their last two points. */
const MOST_POSITIONS = 256;

/**
 * u(n) of a kernel class by the table, read most cautiously: one position computes one row, and from two on whole tiles are
 * computed, however few rows they hold. n = 1..256.
 */
export function tabulatedRows(
  { executionProvider, device }: Pick<Environment, "executionProvider" | "device">,
  { operator: named, accuracyLevel, weight, cache }: KernelClass,
): SignaturePoint[] {
  // Lean attention is written in plain products, whatever operator it took the place of.
  const operator = cache === "lean" ? "MatMul" : named;
  const fits = (rule: TileRule) =>
    rule.ep.test(executionProvider) &&
    rule.operator.test(operator) &&
    (rule.arch?.test(String(device.arch ?? "")) ?? true) &&
    (rule.accuracyLevel?.test(String(accuracyLevel ?? 0)) ?? true);
  const { tiles, extra = 0 } = RULES.find(fits) ?? { tiles: UNKNOWN };
  // A product of activations copies its second operand for every call of two rows and more (MLAS).
  const copied = weight === undefined && PRODUCT.test(operator) ? COPY_ROWS : 0;
  return Array.from({ length: MOST_POSITIONS }, (_, i) => {
    const positions = i + 1;
    const tile = tiles.findLast(([from]) => from <= positions)![1];
    const rows = Math.ceil(positions / tile) * tile + extra + copied;
    return { positions, value: positions === 1 ? 1 : rows };
  });
}

/** Rows' worth of arithmetic that a copy of the second operand costs: from above. */
const COPY_ROWS = 8;
