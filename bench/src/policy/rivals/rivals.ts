import type { Player } from "../player.ts";
import { CascadeRule } from "./cascade.ts";
import { EwmaArgmaxRule } from "./ewma-argmax.ts";
import { GenaiRule } from "./genai.ts";
import { HuggingFaceRule } from "./hugging-face.ts";
import { LengthTableRule } from "./length-table.ts";
import { OllamaRule } from "./ollama.ts";
import type { RivalSetup } from "./rival.ts";
import { SglangEmaRule } from "./sglang-ema.ts";
import { SglangThroughputRule } from "./sglang-throughput.ts";
import { VllmRule } from "./vllm.ts";

/** Every rule that nearfree is compared with, under its key in the results. */
export const RIVALS = {
  hf: HuggingFaceRule,
  genai: GenaiRule,
  ollama: OllamaRule,
  sglangEma: SglangEmaRule,
  sglangThroughput: SglangThroughputRule,
  vllm: VllmRule,
  table: LengthTableRule,
  cascade: CascadeRule,
  ewmaArgmax: EwmaArgmaxRule,
} as const satisfies Record<string, new (setup: RivalSetup) => Player>;

export type RivalKey = keyof typeof RIVALS;
export const RIVAL_KEYS = Object.keys(RIVALS) as readonly RivalKey[];
