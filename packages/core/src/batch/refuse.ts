import { NearfreeError } from "../errors.ts";

/** An option or a request out of its range. */
export function refuse(what: string, expected: string, received: number): never {
  const remedy = "see BatchSchedulerOptions and BatchRequest";
  throw new NearfreeError({
    code: "invalid-argument",
    from: "core",
    what,
    expected,
    received: String(received),
    remedy,
  });
}
