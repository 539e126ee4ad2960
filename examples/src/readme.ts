import { loadOrCalibrate, openModel } from "@nearfree/calibrate/node";
import { createNgramDrafter, createScheduler, decodeAll } from "@nearfree/core";

const model = await openModel(process.argv[2] ?? "./model"); // an ONNX Runtime session, its KV cache, its tokenizer
const { profile, origin } = await loadOrCalibrate(model); // measured once on this machine, then cached
const scheduler = createScheduler({ profile }); // picks the positions of every forward
const { runner, codec } = model;
const text = `export const isAtom = createInstanceofPredicate("Atom", Atom)

export function createAtom(
    name: string,
    onBecomeObservedHandler: () => void = noop,
`;
const prompt = codec?.encode(text) ?? [];
const stopTokens = model.folder.eosTokenIds;
const drafter = createNgramDrafter();
const result = await decodeAll({ runner, scheduler, drafter, prompt, stopTokens, maxNewTokens: 96 });
console.log(codec?.decode(result.tokens));
console.log(`(profile ${origin}; ${result.tokens.length} tokens in ${result.stats.forwards} forwards)`);
await model.release();
