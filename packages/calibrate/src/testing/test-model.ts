import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMemoryStore, type ProfileStore } from "@nearfree/core";
import { afterAll, beforeAll, beforeEach } from "vitest";
import { type OpenModel, openModel } from "../node/open-model.ts";
import { writeModelFolder } from "./model-folder.ts";

export interface TestModel {
  /** A folder of the tests' own, gone after the last of them. */
  folder: string;
  /** The decoder of the CLI's tests, open. */
  model: OpenModel;
  /** In memory, empty before each test. */
  store: ProfileStore;
}

/** One open model for all tests of a file. */
export function useTestModel(): TestModel {
  const fixture = {} as TestModel;
  beforeAll(async () => {
    fixture.folder = await mkdtemp(join(tmpdir(), "nearfree-test-"));
    fixture.model = await openModel(await writeModelFolder(join(fixture.folder, "model")));
  });
  afterAll(async () => {
    await fixture.model.release();
    await rm(fixture.folder, { recursive: true, force: true });
  });
  beforeEach(() => {
    fixture.store = createMemoryStore();
  });
  return fixture;
}
