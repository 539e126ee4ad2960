import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Environment, NearfreeError, PROFILE_VERSION } from "@nearfree/core";
import { publishFile, readEntryFile, setAside } from "@nearfree/core/fs-store";
import { hashOf } from "@nearfree/core/measure";
import { type DeviceSignature, parseSignature } from "@nearfree/core/principle";
import { SIGNATURE_METHOD } from "../../signature/measure-signature.ts";

const FORMAT = "nearfree-signature";
/** A signature is some tens of kB: what is larger was not written here. */
const MAX_BYTES = 1 << 20;

/** `<root>/v1/<environment hash>/signatures/device.json`, beside the profiles of the same environment. */
export function signaturePath(root: string, environment: Environment): string {
  return join(root, `v${PROFILE_VERSION}`, hashOf(environment).slice(0, 32), "signatures", "device.json");
}

/**
 * The signature of this environment under `root`. Anything that was not written whole, by this method, for this environment is a miss:
 * it is set aside and warned of, never thrown. One that cannot be read just now is a miss too, and stays where it is.
 */
export async function readSignature(
  root: string,
  environment: Environment,
  onWarning: (message: string) => void = () => {},
): Promise<DeviceSignature | undefined> {
  const path = signaturePath(root, environment);
  const entry = await readEntryFile(path, MAX_BYTES);
  if (entry.found === "nothing") return undefined;
  const warn = (text: string) => onWarning(`[calibrate] ${path}: the cached signature ${text}`);
  if (entry.found === "obstacle") {
    warn(`cannot be read now (${entry.code}) and counts as missing; it stays where it is`);
    return undefined;
  }
  const signature = entry.found === "text" ? decode(entry.text) : undefined;
  const known = signature?.method === SIGNATURE_METHOD && hashOf(signature.environment) === hashOf(environment);
  if (known) return signature;
  const { outcome } = await setAside(path);
  warn(`is damaged or of another key and counts as missing; it ${outcome}`);
  return undefined;
}

/** Writes it whole or not at all. @throws NearfreeError `store-unwritable` */
export async function writeSignature(root: string, signature: DeviceSignature): Promise<void> {
  const path = signaturePath(root, signature.environment);
  try {
    await mkdir(dirname(path), { recursive: true });
    await publishFile(
      path,
      `${JSON.stringify({ format: FORMAT, checksum: hashOf(signature), signature }, undefined, 1)}\n`,
    );
  } catch (cause) {
    throw new NearfreeError({
      code: "store-unwritable",
      from: "calibrate",
      what: path,
      expected: "a file that can be written",
      received: (cause as NodeJS.ErrnoException).code ?? "an error",
      remedy: "free or unlock the folder, or set NEARFREE_CACHE to another one",
      cause,
    });
  }
}

function decode(text: string): DeviceSignature | undefined {
  let entry: unknown;
  try {
    entry = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof entry !== "object" || entry === null) return undefined;
  const { format, checksum, signature: raw } = entry as Record<string, unknown>;
  const signature = format === FORMAT ? parseSignature(raw) : undefined;
  return signature !== undefined && hashOf(signature) === checksum ? signature : undefined;
}
