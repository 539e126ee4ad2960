import { createRandom } from "@nearfree/calibrate";
import type { Model } from "@nearfree/ort-adapter/onnx";
import type { DecoderSource } from "./decoder-sources.ts";
import { GraphDraft } from "./graph-draft.ts";
import { GRAPH_MUTATIONS, type GraphMutation } from "./graph-mutations.ts";

export interface MutatedDecoder {
  readonly source: DecoderSource;
  readonly mutations: readonly GraphMutation[];
  readonly model: Model;
}

const KINDS = Object.keys(GRAPH_MUTATIONS) as GraphMutation[];
/** One change shows more than several: most graphs get one. */
const SECOND_SHARE = 0.3;

/** A decoder of one of `sources`, changed once or twice. Equal seeds give equal graphs. */
export function mutateDecoder(sources: readonly DecoderSource[], seed: number): MutatedDecoder {
  const random = createRandom(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const source = pick(sources);
  const mutations = [pick(KINDS)];
  if (random() < SECOND_SHARE) mutations.push(pick(KINDS));
  const model = mutations.reduce((current, mutation) => {
    const draft = new GraphDraft(current, random);
    GRAPH_MUTATIONS[mutation](draft);
    return draft.build();
  }, source.model);
  return { source, mutations, model };
}
