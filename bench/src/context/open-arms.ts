import type { Runner } from "@nearfree/core";
import { createSessionRunner } from "@nearfree/ort-adapter";
import { rewriteModelFile } from "@nearfree/ort-adapter/node";
import * as ort from "onnxruntime-node";
import { type CountedSession, countedSession } from "./counted-session.ts";

/** The same model, with its cache kept in one way. */
export interface ContextArm {
  readonly name: ArmName;
  readonly runner: Runner;
  readonly counted: CountedSession;
  release(): Promise<void>;
}

export const ARM_NAMES = ["growing", "in place", "rows", "lean"] as const;
export type ArmName = (typeof ARM_NAMES)[number];

export interface OpenArmOptions {
  readonly modelPath: string;
  readonly contextLimit: number;
  readonly threads: number;
  /** Where rewrites are kept: on the file system of the model. */
  readonly rewrites: string;
}

export async function openArm(
  name: ArmName,
  { modelPath, rewrites, contextLimit, threads }: OpenArmOptions,
): Promise<ContextArm> {
  const rewritten = name === "rows" || name === "lean";
  const path = rewritten ? await rewrittenPath(modelPath, rewrites, name) : modelPath;
  const bare = await ort.InferenceSession.create(path, { intraOpNumThreads: threads });
  const counted = countedSession(bare);
  const runner = await createSessionRunner(counted.session, {
    Tensor: ort.Tensor,
    contextLimit,
    ...(rewritten ? {} : { kvCache: name === "growing" ? "growing" : "in-place" }),
  });
  return {
    name,
    runner,
    counted,
    async release() {
      await runner.release();
      await bare.release();
    },
  };
}

async function rewrittenPath(modelPath: string, rewrites: string, most: "rows" | "lean"): Promise<string> {
  const rewrite = await rewriteModelFile(modelPath, rewrites, { most });
  if (rewrite.form !== most) throw new Error(`${modelPath}: expected a rewrite of form ${most}, got ${rewrite.form}`);
  return rewrite.path;
}
