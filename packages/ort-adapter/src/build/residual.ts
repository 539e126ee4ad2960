import type { DecoderSpec, DecoderWeights } from "./decoder-spec.ts";
import { floatAttribute, type GraphBuilder, intAttribute, MICROSOFT, type NodeOptions } from "./graph-builder.ts";

/** The residual stream of a decoder: takes in what the modules add and gives it out normalised, in one fused node. */
export class ResidualStream {
  readonly #g: GraphBuilder;
  readonly #spec: DecoderSpec;
  readonly #weights: DecoderWeights;
  /** Name of the sum so far, [batch, sequence, hidden]. */
  #sum: string;

  constructor(g: GraphBuilder, spec: DecoderSpec, weights: DecoderWeights, embedded: string) {
    this.#g = g;
    this.#spec = spec;
    this.#weights = weights;
    this.#sum = embedded;
  }

  /** RMS-normalises the sum by the norm `module`, e.g. `layers.0.input_layernorm`. */
  normalise(module: string): string {
    const attributes = {
      epsilon: floatAttribute(this.#spec.shape.rmsNormEpsilon),
      axis: intAttribute(-1),
      stash_type: intAttribute(1),
    };
    const inputs = [this.#sum, this.#scale(module)];
    return this.#g.add(`/model/${module}/LayerNorm`, "SimplifiedLayerNormalization", inputs, { attributes });
  }

  /** Adds `delta` to the sum, then RMS-normalises it by `module`. */
  addAndNormalise(delta: string, module: string): string {
    const name = `/model/${module}/SkipLayerNorm`;
    const options: NodeOptions = {
      domain: MICROSOFT,
      attributes: { epsilon: floatAttribute(this.#spec.shape.rmsNormEpsilon) },
    };
    const inputs = [this.#sum, delta, this.#scale(module)];
    const outputs = [`${name}/output_0`, "", "", `${name}/output_3`];
    this.#g.addTo(outputs, name, "SkipSimplifiedLayerNormalization", inputs, options);
    this.#sum = outputs[3]!;
    return outputs[0]!;
  }

  #scale(module: string): string {
    const { hiddenSize } = this.#spec.shape;
    const name = `model.${module}.weight`;
    return this.#g.constant(name, "float32", [hiddenSize], this.#weights.vector(name, hiddenSize));
  }
}
