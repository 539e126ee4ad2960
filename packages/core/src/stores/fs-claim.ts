/// <reference types="node" />
import { randomUUID } from "node:crypto";
import { mkdir, open, rename, stat, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { readEntryFile } from "./entry-file.ts";
import type { Claim } from "./profile-store.ts";
import { publishFile } from "./publish-file.ts";
import { errorCode, isMissing } from "./retry-briefly.ts";

/** A claim is a line: what is larger is none. */
const MAX_BYTES = 4_096;

/** What a claim's file says: whose it is, and until when (ms of `Date.now`). */
interface Mark {
  readonly token: string;
  readonly until: number;
}

/**
 * Claims by the file at `path`, which only one can create. One that ended is moved away by whoever comes next. Undefined while somebody
 * else holds it. What the system calls throw passes through.
 */
export async function claimFile(path: string, ms: number, now: () => number): Promise<Claim | undefined> {
  const token = randomUUID();
  for (const last of [false, true]) {
    if (await create(path, { token, until: now() + ms })) return fileClaim(path, token, ms, now);
    if (last || !(await clear(path, ms, now))) return undefined;
  }
  return undefined;
}

function fileClaim(path: string, token: string, ms: number, now: () => number): Claim {
  return {
    async renew() {
      if ((await readMark(path))?.token !== token) return false;
      await publishFile(path, JSON.stringify({ token, until: now() + ms } satisfies Mark));
      return true;
    },
    async release() {
      if ((await readMark(path))?.token === token) await unlink(path).catch(() => {});
    },
  };
}

/** False where the file is there. */
async function create(path: string, mark: Mark): Promise<boolean> {
  try {
    const file = await open(path, "wx").catch(async (error: unknown) => {
      if (!isMissing(error)) throw error;
      await mkdir(dirname(path), { recursive: true });
      return open(path, "wx");
    });
    await file.writeFile(JSON.stringify(mark)).finally(() => file.close());
    return true;
  } catch (error) {
    if (errorCode(error) === "EEXIST") return false;
    throw error;
  }
}

/** Moves a claim that ended out of the way; whether it did. Of several who see the same one end, one moves it. */
async function clear(path: string, ms: number, now: () => number): Promise<boolean> {
  const ended = await readMark(path);
  if (ended !== undefined && ended.until > now()) return false;
  // Its owner is writing it, or died in the middle of that.
  if (ended === undefined && !(await isOlder(path, ms, now))) return false;
  const aside = `${path}.${randomUUID()}`;
  try {
    await rename(path, aside);
  } catch {
    return false;
  }
  const moved = await readMark(aside);
  const wasAnothers = moved?.token !== ended?.token;
  // Somebody was faster and holds a new one, which was moved by mistake: it is put back.
  if (wasAnothers) await rename(aside, path).catch(() => {});
  else await unlink(aside).catch(() => {});
  return !wasAnothers;
}

async function readMark(path: string): Promise<Mark | undefined> {
  const entry = await readEntryFile(path, MAX_BYTES);
  try {
    const mark: unknown = entry.found === "text" ? JSON.parse(entry.text) : undefined;
    if (typeof mark !== "object" || mark === null) return undefined;
    const { token, until } = mark as Record<string, unknown>;
    return typeof token === "string" && typeof until === "number" ? { token, until } : undefined;
  } catch {
    return undefined;
  }
}

async function isOlder(path: string, ms: number, now: () => number): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found === undefined || now() - found.mtimeMs > ms;
}
