import { basename, dirname } from "node:path";
import { AutoModelForCausalLM, env } from "@huggingface/transformers";

/** The exported model in `folder` by transformers.js, on the CPU and with the threads of the other arms. */
export function loadTransformersjs(folder: string, threads: number) {
  env.allowRemoteModels = false;
  env.localModelPath = dirname(folder);
  return AutoModelForCausalLM.from_pretrained(basename(folder), {
    dtype: "fp32",
    device: "cpu",
    session_options: { intraOpNumThreads: threads },
  });
}
