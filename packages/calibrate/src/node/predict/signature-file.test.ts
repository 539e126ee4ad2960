import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sampleSignature } from "@nearfree/core/test";
import { afterEach, beforeEach, expect, it } from "vitest";
import { SIGNATURE_METHOD } from "../../signature/measure-signature.ts";
import { readSignature, signaturePath, writeSignature } from "./signature-file.ts";

const SIGNATURE = sampleSignature({ method: SIGNATURE_METHOD });

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "nearfree-signature-"));
});
afterEach(() => rm(root, { recursive: true }));

it("gives back what was written, for its own environment only", async () => {
  expect(await readSignature(root, SIGNATURE.environment)).toBeUndefined();
  await writeSignature(root, SIGNATURE);
  expect(await readSignature(root, SIGNATURE.environment)).toEqual(SIGNATURE);
  expect(await readSignature(root, { ...SIGNATURE.environment, threads: 2 })).toBeUndefined();
});

it.each([
  ["cut short", (text: string) => text.slice(0, -20)],
  ["changed", (text: string) => text.replace('"threads": 1', '"threads": 3')],
  ["of another format", (text: string) => text.replace("nearfree-signature", "other")],
  ["empty", () => ""],
])("a file that is %s counts as missing, once, and is set aside", async (_what, damage) => {
  await writeSignature(root, SIGNATURE);
  const path = signaturePath(root, SIGNATURE.environment);
  await writeFile(path, damage(await readFile(path, "utf8")));
  const warnings: string[] = [];
  const read = () => readSignature(root, SIGNATURE.environment, (message) => warnings.push(message));
  expect([await read(), await read()]).toEqual([undefined, undefined]);
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toContain("device.json.bad");
});

it("refuses a root that cannot hold it in one line", async () => {
  await writeFile(join(root, "v1"), "in the way");
  await expect(writeSignature(root, SIGNATURE)).rejects.toMatchObject({ code: "store-unwritable" });
});
