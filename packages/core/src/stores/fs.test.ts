import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { hashOf } from "../contracts/environment.ts";
import { sampleKey, sampleProfile } from "../testing/sample-profile.ts";
import { describeProfileStoreContract } from "../testing/store-suite.ts";
import { decodeEntry, encodeEntry } from "./entry.ts";
import { createFsStore, MAX_ENTRY_BYTES } from "./fs.ts";
import { createMemoryStore } from "./memory.ts";
import { createTieredStore } from "./tiered.ts";

const makeRoot = () => mkdtemp(join(tmpdir(), "nearfree-store-"));
const remove = (root: string) => rm(root, { recursive: true, force: true });

describeProfileStoreContract("fs store", async () => {
  const root = await makeRoot();
  let now = Date.now();
  const advance = (ms: number) => {
    now += ms;
  };
  const store = createFsStore({ root: join(root, "not", "yet", "there"), now: () => now });
  return { store, advance, dispose: () => remove(root) };
});
describeProfileStoreContract("memory before fs store", async () => {
  const root = await makeRoot();
  return { store: createTieredStore(createMemoryStore(), createFsStore({ root })), dispose: () => remove(root) };
});

describe("fs store", () => {
  let root: string;
  let warnings: string[];
  const open = () => createFsStore({ root, onWarning: (message) => warnings.push(message) });
  beforeEach(async () => {
    root = await makeRoot();
    warnings = [];
  });
  afterEach(() => remove(root));

  async function files(folder = root): Promise<string[]> {
    const all = await readdir(folder, { recursive: true, withFileTypes: true });
    return all.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  }
  async function onlyFile(folder = root): Promise<string> {
    const [path, ...others] = await files(folder);
    expect(others).toEqual([]);
    return path ?? "";
  }

  it("writes what the portable encoding would, under the portable hashes", async () => {
    await open().put(sampleProfile());
    const path = await onlyFile();
    expect(await readFile(path, "utf8")).toBe(encodeEntry(sampleProfile()));
    const { environment } = sampleKey();
    expect(path).toContain(
      `${hashOf(environment).slice(0, 32)}/entries/context256-batch1-${hashOf(sampleKey()).slice(0, 32)}`,
    );
  });

  it("leaves one readable entry under its version and environment, and no temporary file", async () => {
    await open().put(sampleProfile());
    expect((await onlyFile()).slice(root.length)).toMatch(
      /^\/v1\/[0-9a-f]{32}\/entries\/context256-batch1-[0-9a-f]{32}\.json$/,
    );
  });

  it("sets a damaged entry aside, warns once, and takes a fresh profile", async () => {
    await open().put(sampleProfile());
    const path = await onlyFile();
    await writeFile(path, (await readFile(path, "utf8")).slice(0, 100));
    expect(await open().get(sampleKey())).toBeUndefined();
    expect(await open().get(sampleKey())).toBeUndefined();
    expect(await open().list()).toEqual([]);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/^\[core\] .* damaged and counts as missing; it was renamed to .*\.json\.bad$/);
    expect(await onlyFile()).toBe(`${path}.bad`);
    await open().put(sampleProfile());
    expect(await open().get(sampleKey())).toEqual(sampleProfile());
  });

  it("reads a read-only store, and leaves what is damaged in it alone", async () => {
    await open().put(sampleProfile(0));
    await open().put(sampleProfile(1));
    const [first = ""] = await files();
    await writeFile(first, "{}");
    const store = createFsStore({ root, readOnly: true, onWarning: (message) => warnings.push(message) });
    for (let look = 0; look < 3; look++) expect(await store.list()).toHaveLength(1);
    expect(warnings).toEqual([expect.stringMatching(/is damaged .* could not be renamed \(the store is read-only\)$/)]);
    await expect(store.put(sampleProfile(2))).rejects.toMatchObject({ code: "store-unwritable" });
    const [kept] = await store.list();
    expect(await store.delete(kept!.key)).toBe(false);
    expect(await files()).toHaveLength(2);
  });

  it("does not take a valid entry for another key", async () => {
    await open().put(sampleProfile(0));
    await open().put(sampleProfile(1));
    const [a = "", b = ""] = await files();
    await writeFile(a, await readFile(b));
    expect(await open().list()).toHaveLength(1);
    expect(warnings).toEqual([expect.stringContaining("of another key")]);
  });

  it("does not read what is too large, or not a file", async () => {
    await open().put(sampleProfile());
    const path = await onlyFile();
    await writeFile(path, " ".repeat(MAX_ENTRY_BYTES + 1));
    expect(await open().get(sampleKey())).toBeUndefined();
    await mkdir(path);
    expect(await open().get(sampleKey())).toBeUndefined();
    expect(warnings).toEqual([expect.stringContaining("too large"), expect.stringContaining("not a file")]);
  });

  it("says in one line that a folder cannot be written", async () => {
    const file = join(root, "file");
    await writeFile(file, "");
    const store = createFsStore({ root: file });
    await expect(store.put(sampleProfile())).rejects.toMatchObject({
      code: "store-unwritable",
      message: expect.stringMatching(/^\[core\] [^\n]+: expected a file that can be written, received [A-Z]+; [^\n]+$/),
    });
    expect(await store.get(sampleKey())).toBeUndefined();
    expect(await store.list()).toEqual([]);
  });

  // Root may write anywhere: the case above stands for it there.
  const isRoot = process.getuid?.() === 0;
  it.skipIf(isRoot)(
    `refuses to put below a read-only folder${isRoot ? " (skipped: root may write anywhere)" : ""}`,
    async () => {
      await chmod(root, 0o500);
      await expect(open().put(sampleProfile())).rejects.toMatchObject({ code: "store-unwritable" });
      await chmod(root, 0o700);
    },
  );

  it("never throws for, and never loads, one of 10,000 mutated files", async () => {
    const batch = 100; // Files that are read side by side: the disk answers slowly, not seldom.
    await open().put(sampleProfile());
    const good = await readFile(await onlyFile());
    const roots = Array.from({ length: batch }, (_, i) => join(root, String(i)));
    await Promise.all(roots.map((each) => createFsStore({ root: each }).put(sampleProfile())));
    const entry = (await onlyFile(roots[0])).slice(roots[0]!.length);
    const look = async (place: string, bytes: Uint8Array, byKey: boolean) => {
      await writeFile(join(place, entry), bytes);
      const store = createFsStore({ root: place });
      const read = byKey ? [await store.get(sampleKey())] : await store.list();
      for (const profile of read) if (profile !== undefined) expect(profile).toEqual(sampleProfile());
    };
    const mutations = fc.array(fc.tuple(mutation(good), fc.boolean()), { minLength: batch, maxLength: batch });
    await fc.assert(
      fc.asyncProperty(mutations, async (files) => {
        await Promise.all(files.map(([bytes, byKey], i) => look(roots[i]!, bytes, byKey)));
      }),
      { numRuns: 10_000 / batch },
    );
  });
});

/** Bytes near a good entry: flipped, cut, doubled, spliced, or a JSON value changed in place. */
function mutation(good: Uint8Array): fc.Arbitrary<Uint8Array> {
  const at = fc.nat(good.length - 1);
  const text = new TextDecoder().decode(good);
  const numbers = [...text.matchAll(/-?\d+(\.\d+)?(e[+-]?\d+)?/g)].map(
    (match) => [match.index, match[0].length] as const,
  );
  return fc.oneof(
    fc.tuple(at, fc.nat(255)).map(([i, byte]) => good.map((value, j) => (j === i ? byte : value))),
    at.map((end) => good.subarray(0, end)),
    fc.tuple(at, at).map(([i, j]) => Buffer.concat([good.subarray(0, i), good.subarray(j)])),
    fc.uint8Array({ maxLength: 400 }),
    fc
      .tuple(
        fc.constantFrom(...numbers),
        fc.oneof(fc.double(), fc.integer(), fc.constantFrom("null", '""', "[]", "{}")),
      )
      .map(([[i, length], value]) => Buffer.from(text.slice(0, i) + String(value) + text.slice(i + length))),
  );
}

describe("decodeEntry", () => {
  it("returns what encodeEntry took", () => {
    expect(decodeEntry(encodeEntry(sampleProfile()))).toEqual(sampleProfile());
  });

  it("returns undefined or the same profile for 10,000 mutated texts", () => {
    const good = new TextEncoder().encode(encodeEntry(sampleProfile()));
    fc.assert(
      fc.property(mutation(good), (bytes) => {
        const read = decodeEntry(new TextDecoder().decode(bytes));
        if (read !== undefined) expect(read).toEqual(sampleProfile());
      }),
      { numRuns: 10_000 },
    );
  });

  it("returns undefined for any JSON value that is not an entry", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(decodeEntry(text)).toBeUndefined();
      }),
    );
  });
});
