import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BUNDLED_MODELS, type BundledModel, bundledCheckpoint, bundledModel } from "./bundled-model.ts";
import { EXPORT_VARIANTS, type ExportVariant } from "./export-checkpoint.ts";

/** What the model that was trained computes, as examples/models/train/golden.py wrote it down. */
interface Golden {
  readonly greedy: readonly { readonly id: string; readonly tokens: number[]; readonly continuation: number[] }[];
  readonly text: number[];
  /** Per position of `text`: the preferred token, its logit, the log of the sum of the exponentials of all logits. */
  readonly logits: readonly (readonly [number, number, number])[];
}

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "nearfree-bundled-"));
});
afterAll(() => rm(root, { recursive: true }));

async function readGolden(name: BundledModel): Promise<Golden> {
  return JSON.parse(await readFile(join(bundledCheckpoint(name).source, "golden.json"), "utf8"));
}

/** Runs a model one position at a time. */
class Stepper {
  readonly #session: InferenceSession;
  #past: Record<string, Tensor> = {};
  #length = 0;

  private constructor(session: InferenceSession) {
    this.#session = session;
    this.restart();
  }

  static async open(name: BundledModel, variant: ExportVariant): Promise<Stepper> {
    const file = join(await bundledModel(name, variant, root), "onnx", "model.onnx");
    return new Stepper(await InferenceSession.create(file, { intraOpNumThreads: 1, logSeverityLevel: 3 }));
  }

  restart(): void {
    this.#length = 0;
    for (const input of this.#session.inputMetadata) {
      if (!input.isTensor || !input.name.startsWith("past_key_values")) continue;
      const [, heads, , size] = input.shape as number[];
      this.#past[input.name] = new Tensor("float32", new Float32Array(0), [1, heads!, 0, size!]);
    }
  }

  /** Logits after `token`. */
  async step(token: number): Promise<Float32Array> {
    this.#length++;
    const outputs = await this.#session.run({
      ...this.#past,
      input_ids: new Tensor("int64", BigInt64Array.of(BigInt(token)), [1, 1]),
      attention_mask: new Tensor("int64", new BigInt64Array(this.#length).fill(1n), [1, this.#length]),
    });
    for (const name of Object.keys(this.#past)) this.#past[name] = outputs[name.replace("past_key_values", "present")]!;
    return outputs.logits!.data as Float32Array;
  }

  /** The `count` tokens that greedy decoding adds to `tokens`. */
  async continue(tokens: readonly number[], count: number): Promise<number[]> {
    this.restart();
    const all = [...tokens];
    for (let at = 0; all.length < tokens.length + count; at++) {
      const logits = await this.step(all[at]!);
      if (at + 1 === all.length) all.push(preferred(logits));
    }
    return all.slice(tokens.length);
  }
}

function preferred(logits: Float32Array): number {
  return logits.indexOf(logits.reduce((most, value) => Math.max(most, value)));
}

function logSumExp(logits: Float32Array): number {
  return Math.log(logits.reduce((sum, value) => sum + Math.exp(value), 0));
}

describe.each(BUNDLED_MODELS)("bundledModel(%s)", (name) => {
  it.each(EXPORT_VARIANTS.filter((variant) => variant.startsWith("fp32")))(
    "computes in %s what it computed when it was trained",
    async (variant) => {
      const { greedy, text, logits } = await readGolden(name);
      const model = await Stepper.open(name, variant);
      for (const { tokens, continuation } of greedy) {
        expect(await model.continue(tokens, continuation.length)).toEqual(continuation);
      }
      model.restart();
      for (const [at, [token, logit, total]] of logits.entries()) {
        const found = await model.step(text[at]!);
        expect(preferred(found)).toBe(token);
        expect(Math.abs(found[token]! - logit)).toBeLessThan(1e-3);
        expect(Math.abs(logSumExp(found) - total)).toBeLessThan(1e-3);
      }
    },
  );

  it("keeps most of its choices in int4", async () => {
    const { text, logits } = await readGolden(name);
    const model = await Stepper.open(name, "int4");
    let same = 0;
    for (const [at, [token]] of logits.entries()) same += preferred(await model.step(text[at]!)) === token ? 1 : 0;
    expect(same).toBeGreaterThan(0.75 * text.length);
  });
});

describe("bundledModel", () => {
  it("says of a mixture of experts that it cannot be exported in int8", async () => {
    await expect(bundledModel("tiny-ts-moe", "int8", root)).rejects.toThrow("expected fp32 or int4 with experts");
  });
});
