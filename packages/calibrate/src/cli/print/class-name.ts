import type { KernelSignature } from "@nearfree/core/principle";

/** E.g. `MatMulNBits int4 accuracy 4`, `GroupQueryAttention float32 lean`. */
export function className({ operator, activation, weight, accuracyLevel, cache }: KernelSignature["kernel"]): string {
  const accuracy = accuracyLevel === undefined ? [] : `accuracy ${accuracyLevel}`;
  return [operator, weight ?? activation, accuracy, cache ?? []].flat().join(" ");
}
