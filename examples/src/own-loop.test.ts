import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defaultStore, openModel, profileKey } from "@nearfree/calibrate/node";
import { sampleProfile } from "@nearfree/core/test";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { tinyTs } from "./tiny-ts.ts";

let cache: string;
beforeAll(async () => {
  cache = await mkdtemp(join(tmpdir(), "nearfree-own-loop-"));
  vi.stubEnv("NEARFREE_CACHE", cache);
  // A curve as this model has it; measuring belongs to other tests.
  const model = await openModel(await tinyTs("fp32"), { threads: 1 });
  await defaultStore().put({ ...sampleProfile(0, [1, 1.05, 1.06, 1.11]), key: profileKey(model) });
  await model.release();
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await rm(cache, { recursive: true });
});

test("a loop by hand brings the plain loop's tokens in fewer forwards", async () => {
  const log = vi.spyOn(console, "log").mockImplementation(() => {});
  await import("./own-loop.ts");
  const [text, summary] = log.mock.calls.map(([line]) => String(line));
  log.mockRestore();
  expect(text).toContain('value === "string"');
  const [, plain, scheduled, same] = /^\((\d+) forwards became (\d+); the same tokens: (\w+)\)$/.exec(summary!)!;
  expect([plain, same]).toEqual(["96", "yes"]);
  expect(Number(scheduled)).toBeLessThan(60);
});
