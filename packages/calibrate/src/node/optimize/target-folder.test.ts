import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ModelFolder, resolveModelFolder } from "@nearfree/ort-adapter/node";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { NOTE, NOTE_KIND, targetFolder } from "./target-folder.ts";

let root: string;
let model: ModelFolder;
const at = (...names: string[]) => join(root, ...names);

beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), "nearfree-target-")));
  await mkdir(at("models", "llama"), { recursive: true });
  await writeFile(at("models", "llama", "model.onnx"), "");
  model = await resolveModelFolder(at("models", "llama"));
});
afterEach(() => rm(root, { recursive: true }));

describe("targetFolder", () => {
  it("is beside the model's folder where none is named", async () => {
    expect(await targetFolder(model, undefined)).toEqual({ path: at("models", "llama-nearfree"), replace: false });
  });

  it("takes an empty folder and an earlier result, and nothing else that is there", async () => {
    await mkdir(at("out"));
    expect(await targetFolder(model, at("out"))).toEqual({ path: at("out"), replace: true });
    await writeFile(at("out", "thesis.txt"), "");
    const refused = { code: "invalid-argument", message: expect.stringContaining("1 other files") };
    await expect(targetFolder(model, at("out"))).rejects.toMatchObject(refused);
    await writeFile(at("out", NOTE), "{}");
    await expect(targetFolder(model, at("out"))).rejects.toThrow("2 other files");
    await writeFile(at("out", NOTE), JSON.stringify({ kind: NOTE_KIND }));
    expect(await targetFolder(model, at("out"))).toEqual({ path: at("out"), replace: true });
    await writeFile(at("file"), "");
    await expect(targetFolder(model, at("file"))).rejects.toThrow("received a file");
  });

  it("is neither the model's folder nor in it nor around it, by whatever name", async () => {
    await symlink(at("models", "llama"), at("alias"));
    for (const [out, received] of [
      [at("models", "llama"), "the model's own folder"],
      [at("alias"), "the model's own folder"],
      [at("models", "llama", "lean"), "one inside"],
      [at("alias", "deep", "lean"), "one inside"],
      [at("models"), "one that the model is in"],
    ] as const) {
      await expect(targetFolder(model, out)).rejects.toMatchObject({
        code: "invalid-argument",
        message: expect.stringContaining(received),
      });
    }
    expect((await targetFolder(model, at("models", "llama-2"))).path).toBe(at("models", "llama-2"));
  });
});
