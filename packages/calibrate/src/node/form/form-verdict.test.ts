import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { useTestModel } from "../../testing/test-model.ts";
import { type FormVerdict, keepVerdict, readVerdict } from "./form-verdict.ts";

const fixture = useTestModel();
const folder = mkdtempSync(join(tmpdir(), "nearfree-verdict-"));
const path = join(folder, "model.onnx");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const VERDICT: FormVerdict = {
  fault: undefined,
  largestError: 1e-6,
  medianError: 1e-7,
  rows: 28,
  flips: 0,
  speeds: [{ context: 1024, rows: 1, ratio: 1.5 }],
};

it("is found again in its environment, and in no other", async () => {
  const { environment } = fixture.model;
  await keepVerdict(path, environment, VERDICT);
  expect(await readVerdict(path, environment)).toEqual(VERDICT);
  expect(await readVerdict(path, { ...environment, threads: 99 })).toBeUndefined();
});

it.each([
  "",
  "{}",
  "null",
  JSON.stringify({ ...VERDICT, rows: "28" }),
  JSON.stringify({ ...VERDICT, speeds: [] }),
  JSON.stringify({ ...VERDICT, speeds: [{ context: 1024, rows: 1, ratio: -1 }] }),
  JSON.stringify({ ...VERDICT, fault: 1 }),
])("what is no verdict is none: %s", async (text) => {
  const { environment } = fixture.model;
  await keepVerdict(path, environment, VERDICT);
  const [name] = readdirSync(folder);
  writeFileSync(join(folder, name!), text);
  expect(await readVerdict(path, environment)).toBeUndefined();
});

it("is not missed where it cannot be kept", async () => {
  const nowhere = join(folder, "no-such-folder", "deep", "\0", "model.onnx");
  await keepVerdict(nowhere, fixture.model.environment, VERDICT);
  expect(await readVerdict(nowhere, fixture.model.environment)).toBeUndefined();
});
