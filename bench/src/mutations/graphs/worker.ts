import { join } from "node:path";
import { type CheckedDecoder, checkDecoder } from "./check-decoder.ts";
import { decoderSources } from "./decoder-sources.ts";
import { mutateDecoder } from "./mutated-decoder.ts";

/** Runs in a process of its own: a kernel of ONNX Runtime may end it. Arguments: folder to work in, first seed, end of seeds, step. */
export type WorkerMessage =
  | { readonly seed: number; readonly stage: string }
  | { readonly seed: number; readonly what: string; readonly checked: CheckedDecoder };

const [folder = "", ...numbers] = process.argv.slice(2);
const [first = 0, end = 0, step = 1] = numbers.map(Number);
const send = (message: WorkerMessage) => process.send?.(message);
const sources = await decoderSources();
for (let seed = first; seed < end; seed += step) {
  const decoder = mutateDecoder(sources, seed);
  const what = `${decoder.source.name}: ${decoder.mutations.join(", ")}`;
  const checked = await checkDecoder(decoder, seed, join(folder, `${seed}`), (stage) => send({ seed, stage }));
  send({ seed, what, checked });
}
process.disconnect?.();
