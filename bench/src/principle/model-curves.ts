import { join } from "node:path";
import { measureRouting, ROUTING_TOKENS } from "@nearfree/calibrate/node";
import { summarizeFile } from "@nearfree/ort-adapter/node";
import { openCells } from "../calibration/open-cells.ts";
import { type BenchModel, modelFolder } from "../setup/bench-models.ts";
import { benchTokens } from "../setup/bench-tokens.ts";
import { benchCurve, type Curve } from "./bench-curve.ts";
import type { Device } from "./device.ts";
import { formsOf } from "./principle-models.ts";
import { type Say, sayCurve } from "./say-curve.ts";

/** Of a mixture of experts: what one forward over a text tells of its routing, before anything is timed. */
async function routingOf(model: BenchModel): Promise<number[] | undefined> {
  if (familyOf(model) !== "moe") return undefined;
  return measureRouting(join(await modelFolder(model), "onnx", "model.onnx"), {
    tokens: await benchTokens(ROUTING_TOKENS),
    sessionOptions: { executionProviders: ["cpu"] },
  });
}

function familyOf({ weights }: BenchModel): string {
  return weights === "moe" || weights === "qmoe" ? "moe" : "dense";
}

/** Every model of this environment in each of its forms, at the contexts of each. */
export async function benchModels(
  { environment, signature }: Device,
  models: readonly BenchModel[],
  budgetMs: number,
  say: Say,
) {
  const curves: Curve[] = [];
  for (const model of models) {
    const { summary } = summarizeFile(join(await modelFolder(model), "onnx", "model.onnx"));
    const uniqueExperts = await routingOf(model);
    for (const { form, contexts } of formsOf(model, environment)) {
      const open = await openCells(model, environment, form);
      for (const contextLength of contexts) {
        const probe = await open.probe({ contextLength, batch: 1 });
        const labels = {
          name: model.name,
          family: familyOf(model),
          scope: "model",
          ...environment,
          contextLength,
          form,
        } as const;
        curves.push(await benchCurve(probe, summary, signature, { ...labels, budgetMs, uniqueExperts }));
        sayCurve(curves.at(-1)!, say);
      }
      await open.release();
    }
  }
  return curves;
}
