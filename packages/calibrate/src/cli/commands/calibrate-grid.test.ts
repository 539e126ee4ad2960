import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { commandWith, expectRefusal } from "../../testing/command.ts";
import { writeModelFolder } from "../../testing/model-folder.ts";

let folder: string;
let model: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nearfree-cli-grid-"));
  model = await writeModelFolder(join(folder, "model"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const nearfree = (...args: string[]) => commandWith(join(folder, "cache")).run("calibrate", model, ...args);

test("a profile for each context is measured and kept; the table shows them together", () => {
  const few = ["--contexts", "16,48", "--max-positions", "4", "--forwards", "60"];
  const first = nearfree(...few, "--json");
  expect(first.status, first.stderr).toBe(0);
  const { cells } = JSON.parse(first.last);
  const contexts = cells.map(({ profile }: { profile: { key: { cell: object } } }) => profile.key.cell);
  expect(contexts).toEqual([
    { contextLength: 16, batch: 1 },
    { contextLength: 48, batch: 1 },
  ]);
  expect(nearfree(...few).stdout).toMatch(/context +batch 1\n +16 .*\n +48 /);
});

test("what cannot be measured is refused on one line", () => {
  expectRefusal(nearfree("--contexts", "16", "--batches", "2"), 2, "batch 2", "decomposed attention");
  expectRefusal(nearfree("--contexts", "16,4000"), 2, "4000");
  expectRefusal(nearfree("--contexts", "16,x"), 2, "--contexts");
  expectRefusal(nearfree("--contexts", "16", "--context", "16"), 2, "--context");
});
