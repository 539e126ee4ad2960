import { NearfreeError } from "./errors.ts";

/** An option or an argument out of its range. @throws NearfreeError `invalid-argument` */
export function refuse(what: string, expected: string, received: string | number, remedy: string): never {
  throw new NearfreeError({
    code: "invalid-argument",
    from: "core",
    what,
    expected,
    received: String(received),
    remedy,
  });
}
