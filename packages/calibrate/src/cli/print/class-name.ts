import type { KernelSignature } from "@nearfree/core/principle";

/** E.g. `MatMulNBits int4 accuracy 4`. */
export function className({ operator, activation, weight, accuracyLevel }: KernelSignature["kernel"]): string {
  const accuracy = accuracyLevel === undefined ? [] : [`accuracy ${accuracyLevel}`];
  return [operator, weight ?? activation, ...accuracy].join(" ");
}
