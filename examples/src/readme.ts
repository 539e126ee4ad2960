import { loadOrCalibrate, openModel } from "@nearfree/calibrate/node";
import { createNgramDrafter, createScheduler, decodeAll } from "@nearfree/core";

const model = await openModel(process.argv[2] ?? "./model"); // an ONNX Runtime session, its KV cache, its tokenizer
const { profile, origin } = await loadOrCalibrate(model); // measured once on this machine, then cached
const scheduler = createScheduler({ profile }); // picks the positions of every forward
const { runner, codec } = model;
const prompt = codec?.encode("export const isString = (value: unknown): value is string =>") ?? [];
const result = await decodeAll({ runner, scheduler, drafter: createNgramDrafter(), prompt, maxNewTokens: 96 });
console.log(codec?.decode(result.tokens));
console.log(`(profile ${origin}; ${result.tokens.length} tokens in ${result.stats.forwards} forwards)`);
await model.release();
