import * as v from "valibot";
import { count, environmentSchema, nonNegative, positions, positive } from "../profile/persisted.ts";
import { REWRITTEN_FORMS } from "./graph-summary.ts";

/** Bumped whenever the persisted shape changes; a signature of another version is a miss. */
export const SIGNATURE_VERSION = 1;

const kernelSchema = v.strictObject({
  operator: v.string(),
  activation: v.string(),
  weight: v.optional(v.string()),
  accuracyLevel: v.optional(v.number()),
  cache: v.optional(v.picklist(REWRITTEN_FORMS)),
});

/** One n of a table that is linear between its points and goes on along its last two beyond them. */
const pointSchema = v.strictObject({ positions, value: positive });
const tableSchema = v.pipe(v.array(pointSchema), v.minLength(1));

const kernelSignatureSchema = v.strictObject({
  kernel: kernelSchema,
  /** Bytes/s of operands read, at working sets inside the last-level cache and beyond it. */
  bytesPerSecond: v.strictObject({ inside: positive, beyond: positive }),
  /**
   * Attention that copies its caches at every step: bytes of them at which the two were measured. Their size counts, not that of the
   * weights beside them. Absent: the device's `cache`.
   */
  kvBytes: v.optional(v.strictObject({ inside: positive, beyond: positive })),
  /** FLOP/s of a full tile: FLOPs of the rows computed, over time. */
  flopsPerSecond: positive,
  /** u(n): rows computed for n, n = 1 first. Not always whole: what an unfinished tile costs, in rows of a full one. */
  rows: tableSchema,
  /** p of (bw^p + comp^p)^(1/p): 1 adds up the two, a large one lets the larger hide the other. */
  overlap: positive,
  /** Ms of one call whatever n is: dispatch, packing. */
  nodeMs: nonNegative,
  /** Ms more for each position and channel (geometric mean of a matrix's sides): what each row costs besides the products. */
  channelMs: nonNegative,
  /** Attention: channels of a head that a score costs besides its products (softmax, masking). Default 0. */
  scoreChannels: v.optional(nonNegative),
  /** Measured over the formula above, by n, beyond the cache: 1 where the formula says all. */
  correction: v.optional(tableSchema),
});

const signatureSchema = v.strictObject({
  version: v.literal(SIGNATURE_VERSION),
  environment: environmentSchema,
  /** `measured` on the device itself, or `published` figures that stand in for it: no constants, tiles from a table. */
  origin: v.picklist(["measured", "published"]),
  /** ISO 8601, or where published figures come from. Information only. */
  measuredAt: v.string(),
  /** Version of the measuring method: signatures of another are a miss. */
  method: count,
  /** Working set up to which `inside` holds, and from which `beyond` does; between them the two are mixed by the logarithm. */
  cache: v.strictObject({ insideBytes: positive, beyondBytes: positive }),
  /** One for each class that was measured. */
  kernels: v.array(kernelSignatureSchema),
  /** Nodes without weights: ms of a call, and ms for each element written. */
  elementWise: v.strictObject({ nodeMs: nonNegative, elementMs: nonNegative }),
  /** Around the kernels: ms of a `session.run` that does nothing, and ms for a tensor of so many bytes to come back to JavaScript. */
  host: v.strictObject({
    runMs: nonNegative,
    copies: v.pipe(v.array(v.strictObject({ bytes: positive, ms: nonNegative })), v.minLength(1)),
  }),
  run: v.strictObject({ forwards: count, ms: nonNegative }),
});

/**
 * What a device does with each kernel class in use, through one runtime: enough to predict what any model built of them costs.
 * Measured once with small generated graphs, at shapes of no model's own.
 */
export type DeviceSignature = v.InferOutput<typeof signatureSchema>;
export type KernelSignature = v.InferOutput<typeof kernelSignatureSchema>;
export type SignaturePoint = v.InferOutput<typeof pointSchema>;

/** Parses what came from a store or a file. Anything that is not a whole, consistent signature is `undefined`, never an exception. */
export function parseSignature(value: unknown): DeviceSignature | undefined {
  const result = v.safeParse(signatureSchema, value);
  if (!result.success) return undefined;
  const { kernels, cache } = result.output;
  const tables = kernels.flatMap(({ rows, correction }) => (correction ? [rows, correction] : [rows]));
  const sorted = tables.every((table) =>
    table.every((point, i) => (i === 0 ? point.positions === 1 : point.positions > table[i - 1]!.positions)),
  );
  return sorted && cache.insideBytes < cache.beyondBytes ? result.output : undefined;
}
