import { createModuleProbe, type DecoderSpec, hasPart, MODULE_PARTS, type ModulePart } from "@nearfree/ort-adapter";
import type { BenchEnvironment, BenchModel } from "../setup/bench-models.ts";
import { benchCurve, type Curve } from "./bench-curve.ts";
import { type Device, runtimeOf } from "./device.ts";
import { formsOf, type GraphForm } from "./principle-models.ts";
import { type Say, sayCurve } from "./say-curve.ts";

/** Copies of a module that run one behind the other. */
const MODULE_LAYERS = 2;
/** Decoders whose modules are also measured alone: one of each family. */
const MODULE_MODELS = ["dense-70m", "dense-70m-int4-acc4", "dense-70m-int8", "moe-8x2", "moe-32x4", "moe-32x4-int4"];

/** The modules of one decoder of each family, alone. */
export async function benchModules(
  { environment, signature }: Device,
  models: readonly BenchModel[],
  budgetMs: number,
  say: Say,
) {
  const curves: Curve[] = [];
  const runtime = await runtimeOf(environment);
  for (const model of models.filter(({ name }) => MODULE_MODELS.includes(name))) {
    const spec = model.source as DecoderSpec;
    // The attention of every decoder here is the same; one of them stands for it.
    const parts = MODULE_PARTS.filter(
      (part) => hasPart(spec, part) && (part !== "attention" || model.name === "dense-70m"),
    );
    for (const part of parts) {
      for (const { contextLength, form } of cellsOf(model, environment, part)) {
        const { probe, summary, release } = await createModuleProbe(spec, part, {
          ...runtime,
          layers: MODULE_LAYERS,
          contextLength,
          ...(form !== "original" && { cache: form }),
        });
        const family = part === "attention" ? "attention" : part === "moe-ffn" ? "moe" : "dense";
        const labels = {
          name: `${model.name} ${part}`,
          family,
          scope: "module",
          ...environment,
          contextLength,
          form,
        } as const;
        curves.push(await benchCurve(probe, summary, signature, { ...labels, budgetMs }));
        await release();
        sayCurve(curves.at(-1)!, say);
      }
    }
  }
  return curves;
}

/** Contexts and forms of an attention; nothing else has any. */
function cellsOf(
  model: BenchModel,
  environment: BenchEnvironment,
  part: ModulePart,
): { readonly contextLength: number; readonly form: GraphForm }[] {
  if (part !== "attention") return [{ contextLength: 0, form: "original" }];
  return formsOf(model, environment).flatMap(({ form, contexts }) =>
    contexts.map((contextLength) => ({ contextLength, form })),
  );
}
