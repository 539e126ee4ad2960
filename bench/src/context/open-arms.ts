import type { Runner } from "@nearfree/core";
import { createSessionRunner } from "@nearfree/ort-adapter";
import { rewriteModelFile } from "@nearfree/ort-adapter/node";
import * as ort from "onnxruntime-node";
import { type SeedableSession, seedableSession } from "./seedable-session.ts";

/** The same model, with its cache kept in one way. */
export interface ContextArm {
  readonly name: "growing" | "in place" | "rows" | "lean";
  readonly runner: Runner;
  readonly seedable: SeedableSession;
  release(): Promise<void>;
}

export interface OpenArmsOptions {
  readonly modelPath: string;
  readonly contextLimit: number;
  readonly threads: number;
  /** Where rewrites are kept: on the file system of the model. */
  readonly rewrites: string;
}

/** Opens the arms one after another, so that the peak of memory is theirs and no more. */
export async function openArms(options: OpenArmsOptions): Promise<ContextArm[]> {
  const { modelPath, rewrites } = options;
  const arms = [await openArm("growing", modelPath, options), await openArm("in place", modelPath, options)];
  for (const most of ["rows", "lean"] as const) {
    const rewrite = await rewriteModelFile(modelPath, rewrites, { most });
    if (rewrite.form !== most) throw new Error(`${modelPath}: expected a rewrite of form ${most}, got ${rewrite.form}`);
    arms.push(await openArm(most, rewrite.path, options));
  }
  return arms;
}

async function openArm(
  name: ContextArm["name"],
  path: string,
  { contextLimit, threads }: OpenArmsOptions,
): Promise<ContextArm> {
  const bare = await ort.InferenceSession.create(path, { intraOpNumThreads: threads });
  const rewritten = name === "rows" || name === "lean";
  const seedable = seedableSession(bare, rewritten ? "rows" : "all");
  const runner = await createSessionRunner(seedable.session, {
    Tensor: ort.Tensor,
    contextLimit,
    ...(rewritten ? {} : { kvCache: name === "growing" ? "growing" : "in-place" }),
  });
  return {
    name,
    runner,
    seedable,
    async release() {
      await runner.release();
      await bare.release();
    },
  };
}

/** Brings the arm's cache to `length` positions without running the model. */
export async function seed({ runner, seedable }: ContextArm, length: number): Promise<void> {
  if (runner.length > length) runner.rewind(length);
  if (runner.length === length) return;
  seedable.seeding = true;
  try {
    await runner.forward(new Int32Array(length - runner.length).fill(1), 0);
  } finally {
    seedable.seeding = false;
  }
}
