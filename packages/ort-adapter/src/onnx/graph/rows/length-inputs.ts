import type { Dim, ValueInfo } from "../../model.ts";
import type { IoClasses } from "../classify-io.ts";
import { COUNT, constantValue, type LengthValue, PAST, TOTAL } from "./length-value.ts";

/** What the inputs of a decoder say of lengths. */
export interface LengthInputs {
  /** Dimensions by input name; undefined where a dimension is not known. */
  readonly shapes: ReadonlyMap<string, readonly (LengthValue | undefined)[]>;
  /** Inputs that hold one for every position of cache and forward. */
  readonly masks: ReadonlySet<string>;
  /** Inputs that hold the index of every position of the forward. */
  readonly positions: ReadonlySet<string>;
}

/** Reads the dimensions of a decoder's inputs as lengths, of one sequence: by what the input is, else by the dimension's name. */
export function lengthInputs(inputs: readonly ValueInfo[], io: IoClasses): LengthInputs {
  const pasts = new Set(io.kv.map(({ past }) => past));
  const shapes = new Map<string, readonly (LengthValue | undefined)[]>();
  for (const { name, shape = [] } of inputs) {
    const last = shape.length - 1;
    const special = (axis: number) => {
      if (pasts.has(name)) return axis === last - 1 ? PAST : undefined;
      if (name === io.attentionMask) return axis === last ? TOTAL : undefined;
      if (name === io.positionIds) return axis === last ? COUNT : undefined;
      return undefined;
    };
    const dims = shape.map((dim, axis) => special(axis) ?? (axis === 0 && last > 0 ? constantValue(1) : named(dim)));
    shapes.set(name, dims);
  }
  const optional = (name: string | undefined) => new Set(name === undefined ? [] : [name]);
  return { shapes, masks: optional(io.attentionMask), positions: optional(io.positionIds) };
}

/** A dimension by the names that exporters give: past_sequence_length, sequence_length, total_sequence_length or a sum. */
function named(dim: Dim): LengthValue | undefined {
  if (typeof dim === "number") return dim > 0 ? constantValue(dim) : undefined;
  if (dim === undefined) return undefined;
  if (/total|\+|plus/.test(dim)) return TOTAL;
  if (/past|cache/.test(dim)) return PAST;
  return /^seq|_seq|length/.test(dim) ? COUNT : undefined;
}
