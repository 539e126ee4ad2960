import { expect } from "vitest";

/** Expects logits that differ by `tolerance` at most, as kernels round. */
export function logitsWithin(tolerance: number): (received: Float32Array, expected: Float32Array) => void {
  return (received, expected) => {
    expect(received.length).toBe(expected.length);
    let largest = 0;
    for (let i = 0; i < received.length; i++) largest = Math.max(largest, Math.abs(received[i]! - expected[i]!));
    expect(largest).toBeLessThanOrEqual(tolerance);
  };
}

/** The code of the error that a promise is rejected with. */
export function codeOf(promise: Promise<unknown>): Promise<string | undefined> {
  return promise.then(
    () => "no error",
    (error: { code?: string }) => error.code,
  );
}
