import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { sampleKey, sampleProfile } from "../testing/sample-profile.ts";
import { createFsStore } from "./fs.ts";
import { publishFile } from "./publish-file.ts";

/** Codes with which the next opens and renames fail, as no disk at hand does when asked. */
const faults = vi.hoisted(() => ({ open: [] as string[], rename: [] as string[] }));

vi.mock("node:fs/promises", async (original) => {
  const real = await original<typeof import("node:fs/promises")>();
  const failOr = <Args extends unknown[], T>(pending: string[], act: (...args: Args) => Promise<T>) => {
    return async (...args: Args) => {
      const code = pending.shift();
      if (code !== undefined) throw Object.assign(new Error(`${code}: as a fault`), { code });
      return act(...args);
    };
  };
  return { ...real, open: failOr(faults.open, real.open), rename: failOr(faults.rename, real.rename) };
});

const ALWAYS = 50;

let root: string;
let warnings: string[];
const open = () => createFsStore({ root, onWarning: (message) => warnings.push(message) });
const files = async () => (await readdir(root, { recursive: true })).filter((name) => /\.(json|bad|tmp)$/.test(name));
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "nearfree-entry-"));
  warnings = [];
});
afterEach(async () => {
  faults.open.length = faults.rename.length = 0;
  await rm(root, { recursive: true, force: true });
});

describe("an entry that cannot be read", () => {
  it.each(["EIO", "ESTALE", "EMFILE", "EACCES", "EBUSY", "EPERM", "ELOOP"])(
    "for %s stays where it is, whole, and is found by the next look; one warning",
    async (code) => {
      await open().put(sampleProfile());
      const before = await files();
      const store = open();
      for (let look = 0; look < 2; look++) {
        faults.open.push(...Array<string>(ALWAYS).fill(code));
        expect(await store.get(sampleKey())).toBeUndefined();
        faults.open.length = 0;
      }
      expect(warnings).toEqual([
        expect.stringMatching(new RegExp(`cannot be read now \\(${code}\\).*stays where it is$`)),
      ]);
      expect(await files()).toEqual(before);
      expect(await store.get(sampleKey())).toEqual(sampleProfile());
      expect(await open().list()).toHaveLength(1);
    },
  );

  it.each(["ESTALE", "EMFILE", "EBUSY"])("for a moment (%s) is read all the same", async (code) => {
    await open().put(sampleProfile());
    faults.open.push(code, code);
    expect(await open().get(sampleKey())).toEqual(sampleProfile());
    expect(warnings).toEqual([]);
  });
});

describe("a rename that fails", () => {
  it.each(["EPERM", "EBUSY", "EACCES"])("for a moment (%s) is done again", async (code) => {
    faults.rename.push(code, code, code);
    await publishFile(join(root, "a.json"), "{}");
    expect(await readFile(join(root, "a.json"), "utf8")).toBe("{}");
  });

  it("for good ends after a bounded number of tries, and leaves nothing behind", async () => {
    faults.rename.push(...Array<string>(ALWAYS).fill("EPERM"));
    await expect(publishFile(join(root, "a.json"), "{}")).rejects.toMatchObject({ code: "EPERM" });
    expect(ALWAYS - faults.rename.length).toBeLessThan(12);
    expect(await readdir(root)).toEqual([]);
  });

  it("of a damaged entry is done again too", async () => {
    await open().put(sampleProfile());
    const [entry = ""] = await files();
    await writeFile(join(root, entry), "{}");
    faults.rename.push("EBUSY");
    expect(await open().get(sampleKey())).toBeUndefined();
    expect(await files()).toEqual([`${entry}.bad`]);
  });
});

// Root may read anything: as another user in this process, which the tests of folders put back.
const { geteuid, seteuid } = process;
const isRoot = geteuid?.() === 0 && seteuid !== undefined;
describe.skipIf(!isRoot)(`as a user who may not${isRoot ? "" : " (skipped: needs root to become one)"}`, () => {
  afterEach(() => seteuid!(0));

  it("read the folder: a look by key is quiet, since the write will say so; a list says so", async () => {
    await open().put(sampleProfile());
    await mkdir(join(root, "open"), { mode: 0o755 });
    seteuid!(65_534);
    const store = open();
    expect(await store.get(sampleKey())).toBeUndefined();
    expect(warnings).toEqual([]);
    await expect(store.put(sampleProfile())).rejects.toMatchObject({
      code: "store-unwritable",
      message: expect.stringContaining("EACCES"),
    });
    expect(await store.list()).toEqual([]);
    expect(warnings).toEqual([expect.stringMatching(/cannot be read \(EACCES\)$/)]);
  });
});
