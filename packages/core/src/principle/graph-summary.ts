/**
 * The parts of a decoder whose cost grows differently with the number of positions. `dense-ffn` holds every product with
 * dense weights inside the layers, attention's projections too; `attention` is what reads the KV cache; `moe-ffn` holds
 * experts and their routers; `other` is embedding, normalisation, residuals and masks, one module an operator.
 */
export type ModuleKind = "dense-ffn" | "moe-ffn" | "attention" | "head" | "other";

/** What the kernels of one kind see: enough to predict their cost, without weights. */
export interface KernelClass {
  /** ONNX operator: MatMul, Gemm, MatMulNBits, MatMulInteger, DynamicQuantizeMatMul, GroupQueryAttention, MoE, QMoE, ... */
  readonly operator: string;
  /** Element type of the activations: float32, float16. */
  readonly activation: string;
  /** Element type or bit width of the weights: float32, float16, int8, int4. Absent where the operator has no weights. */
  readonly weight?: string;
  /** MatMulNBits `accuracy_level`, where it applies. */
  readonly accuracyLevel?: number;
  /** How an attention keeps its cache where the graph was rewritten for it. Absent: as the original graph does. */
  readonly cache?: RewrittenForm;
}

/**
 * Forms of a decoder whose graph was rewritten for its KV cache (docs/attention.md). Of both, new rows alone come back: `rows` joins
 * them with the past inside, `lean` attends to the two apart and copies nothing of the past.
 */
export type RewrittenForm = (typeof REWRITTEN_FORMS)[number];
export const REWRITTEN_FORMS = ["rows", "lean"] as const;

/** One module of the graph, summed over its nodes. */
export interface ModuleSummary {
  /** Scope of the nodes, e.g. `/model/layers.0/mlp`. */
  readonly name: string;
  readonly kind: ModuleKind;
  readonly kernel: KernelClass;
  readonly nodes: number;
  /** Bytes of weights read by a forward of one position (for MoE: all experts; see `experts`). */
  readonly weightBytes: number;
  /** Floating-point operations per position, attention over the KV cache excluded. */
  readonly flopsPerPosition: number;
  /** Bytes of KV cache per position of context. 0 outside attention. */
  readonly kvBytesPerPosition: number;
  /** Floating-point operations per position and per position of context: 4 * heads * headDim. 0 outside attention. */
  readonly flopsPerContextPosition: number;
  /** Nodes without weights that run as kernels of their own: no views, and none that ONNX Runtime fuses into a neighbour. */
  readonly looseNodes: number;
  /** Elements that those nodes write for one position. */
  readonly elementsPerPosition: number;
  readonly experts?: { readonly count: number; readonly active: number };
}

/** The shape of a decoder graph. Structure only: two models with other weights and equal structure are equal here. */
export interface GraphSummary {
  readonly modules: readonly ModuleSummary[];
  readonly layers: number;
  /** Absent where the graph does not fix it, like the two that follow. */
  readonly vocabularySize?: number | undefined;
  readonly kvHeads?: number | undefined;
  readonly headDim?: number | undefined;
  readonly weightBytes: number;
  readonly flopsPerPosition: number;
  readonly kvBytesPerPosition: number;
  /** What the graph left open, one line each; empty when every figure above is exact. */
  readonly unresolved: readonly string[];
  /** sha256 over operators, attributes, shapes, types, quantisation and expert routing; not over names or dense weights. */
  readonly structureHash: string;
}
