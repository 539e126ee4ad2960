import { loadOrCalibrate, openModel } from "@nearfree/calibrate/node";
import { createNgramDrafter, createScheduler, decodeAll } from "@nearfree/core";
import { tinyTs } from "./tiny-ts.ts";

const model = await openModel(await tinyTs("fp32"), { threads: 1 }); // an ONNX Runtime session, its KV cache, its tokenizer
const { profile, origin } = await loadOrCalibrate(model); // measured once on this machine, then cached
const scheduler = createScheduler({ profile }); // picks the positions of every forward
const prompt = model.codec!.encode("export const isString = (value: unknown): value is string =>");
const { runner } = model;
const result = await decodeAll({ runner, scheduler, drafter: createNgramDrafter(), prompt, maxNewTokens: 96 });
console.log(model.codec!.decode(result.tokens));
console.log(`(profile ${origin}; ${result.tokens.length} tokens in ${result.stats.forwards} forwards)`);
await model.release();
