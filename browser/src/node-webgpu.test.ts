import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectAlike } from "./expect-alike.ts";
import { CONTEXT_LIMIT, SMALL_MODELS, WEBGPU_EXERCISE } from "./small-models.ts";
import { HAS_SOFTWARE_ADAPTER, NEEDS_SOFTWARE_ADAPTER, SOFTWARE_ADAPTER_VARIABLES } from "./software-adapter.ts";

const PROGRAM = fileURLToPath(new URL("../dist/node-webgpu.js", import.meta.url));

describe.skipIf(!HAS_SOFTWARE_ADAPTER)(`onnxruntime-node on WebGPU${NEEDS_SOFTWARE_ADAPTER}`, () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "nearfree-webgpu-"));
    await writeFile(join(folder, "config.json"), JSON.stringify({ max_position_embeddings: CONTEXT_LIMIT }));
    await writeFile(join(folder, "model.onnx"), SMALL_MODELS.fp32);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it("calibrates a decoder, and decodes as the plain loop does", async () => {
    const env = { ...process.env, ...SOFTWARE_ADAPTER_VARIABLES };
    const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, folder, JSON.stringify(WEBGPU_EXERCISE)], {
      env,
    });
    const exercise = JSON.parse(stdout.trimEnd().split("\n").at(-1)!);
    expectAlike(exercise, WEBGPU_EXERCISE);
    expect(exercise.profile.key.environment.executionProvider).toBe("webgpu");
  }, 180_000);
});
