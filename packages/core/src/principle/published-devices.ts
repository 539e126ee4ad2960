/** Peak figures of a device as its maker publishes them. */
export interface PublishedDevice {
  readonly name: string;
  /** The execution provider that would run there, whose tiles are assumed. */
  readonly executionProvider: "cuda" | "webgpu";
  /** Dense, without sparsity; float16 on tensor cores with fp32 accumulation where there are such. */
  readonly flopsPerSecond: { readonly float32: number; readonly float16: number };
  readonly bytesPerSecond: number;
  /** Last-level cache. */
  readonly cacheBytes: number;
  readonly source: string;
}

const MB = 1024 * 1024;

/** Published peak figures that may stand in for a measured signature, by the name that `--device` takes. */
export const PUBLISHED_DEVICES = {
  // NVIDIA A100 Tensor Core GPU data sheet (2021): FP16 Tensor Core 312 TFLOPS, FP32 19.5, 2,039 GB/s; L2 40 MB (A100 white paper).
  "a100-80gb": {
    name: "NVIDIA A100 80GB SXM",
    executionProvider: "cuda",
    flopsPerSecond: { float32: 19.5e12, float16: 312e12 },
    bytesPerSecond: 2.039e12,
    cacheBytes: 40 * MB,
    source: "NVIDIA A100 Tensor Core GPU data sheet, 2021",
  },
  // NVIDIA H100 Tensor Core GPU data sheet: FP16 Tensor Core 1,979 TFLOPS with sparsity, half of it without, FP32 67, 3.35 TB/s; L2 50 MB.
  "h100-sxm": {
    name: "NVIDIA H100 SXM",
    executionProvider: "cuda",
    flopsPerSecond: { float32: 67e12, float16: 989.5e12 },
    bytesPerSecond: 3.35e12,
    cacheBytes: 50 * MB,
    source: "NVIDIA H100 Tensor Core GPU data sheet, 2023",
  },
  // NVIDIA Ada GPU architecture white paper, appendix A: FP32 82.6 TFLOPS, FP16 Tensor with FP32 accumulate 165.2, 1,008 GB/s, L2 72 MB.
  "rtx-4090": {
    name: "NVIDIA GeForce RTX 4090",
    executionProvider: "cuda",
    flopsPerSecond: { float32: 82.6e12, float16: 165.2e12 },
    bytesPerSecond: 1.008e12,
    cacheBytes: 72 * MB,
    source: "NVIDIA Ada GPU architecture white paper, 2022",
  },
  // Apple newsroom, 18 October 2021: 32-core GPU 10.4 TFLOPS, 400 GB/s. Half precision is not published: taken as equal. System cache 48 MB.
  "m1-max": {
    name: "Apple M1 Max, 32-core GPU",
    executionProvider: "webgpu",
    flopsPerSecond: { float32: 10.4e12, float16: 10.4e12 },
    bytesPerSecond: 4e11,
    cacheBytes: 48 * MB,
    source: "Apple newsroom, 18 October 2021",
  },
  // Apple newsroom, 8 March 2022: 64-core GPU 21 TFLOPS, 800 GB/s. Half precision as above. System cache 96 MB.
  "m1-ultra": {
    name: "Apple M1 Ultra, 64-core GPU",
    executionProvider: "webgpu",
    flopsPerSecond: { float32: 21e12, float16: 21e12 },
    bytesPerSecond: 8e11,
    cacheBytes: 96 * MB,
    source: "Apple newsroom, 8 March 2022",
  },
} as const satisfies Record<string, PublishedDevice>;
