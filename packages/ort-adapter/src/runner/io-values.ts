import { NearfreeError } from "@nearfree/core";
import type { InferenceSession } from "onnxruntime-common";

export type Shape = readonly (number | string)[];

/** An input or output as a session declares it. */
export interface Value {
  readonly name: string;
  readonly type: string;
  readonly shape: Shape;
}
export type Values = ReadonlyMap<string, Value>;

export const ANOTHER_EXPORT = "export the model again in the transformers.js layout";

/** @throws NearfreeError `unsupported-model` where the runtime does not describe its inputs (ONNX Runtime before 1.22). */
export function valuesOf(metadata: readonly InferenceSession.ValueMetadata[] | undefined): Values {
  if (metadata === undefined) {
    refuse("session", "inputMetadata and outputMetadata", "neither", "update ONNX Runtime to 1.22 or later");
  }
  const values = new Map<string, Value>();
  for (const value of metadata) {
    values.set(
      value.name,
      value.isTensor
        ? { name: value.name, type: value.type, shape: value.shape }
        : { name: value.name, type: "not a tensor", shape: [] },
    );
  }
  return values;
}

/** The size of a dimension; undefined where it is free: a name, an empty one, or a negative number. */
export function fixedDim(dim: number | string | undefined): number | undefined {
  return typeof dim === "number" && dim > 0 ? dim : undefined;
}

export function describeValue({ type, shape }: Value): string {
  return `${type} [${shape.map((dim) => (dim === "" ? "?" : dim)).join(", ")}]`;
}

export function listNames(names: readonly string[]): string {
  const shown = names.slice(0, 6).join(", ");
  return names.length > 6 ? `${shown} and ${names.length - 6} more` : shown;
}

export function refuse(what: string, expected: string, received: string, remedy: string): never {
  throw new NearfreeError({ code: "unsupported-model", from: "ort-adapter", what, expected, received, remedy });
}
