import { loadOrCalibrate, openModel } from "@nearfree/calibrate/node";
import { createDraft, createNgramDrafter, createScheduler, type Scheduler, verifyGreedy } from "@nearfree/core";
import { wrapSession } from "@nearfree/ort-adapter";
import * as ort from "onnxruntime-node";
import { tinyTs } from "./tiny-ts.ts";

// A speculative loop of one's own, on ONNX Runtime alone. nearfree is three lines of it: wrapSession, plan, observe.

const model = await openModel(await tinyTs("fp32"), { threads: 1 });
const { profile } = await loadOrCalibrate(model);
const bare = await ort.InferenceSession.create(model.folder.modelPath, { intraOpNumThreads: 1 });
const int64 = (values: number[]) => new ort.Tensor("int64", BigInt64Array.from(values, BigInt), [1, values.length]);

async function generate(scheduler: Scheduler, prompt: readonly number[], count: number) {
  const session = wrapSession(bare, { scheduler, traits: model.traits });
  const drafter = createNgramDrafter();
  const draft = createDraft(31);
  const text = [...prompt];
  let forwards = 0;
  let cached = 0; // Tokens of the text in the KV cache.
  const past: Record<string, ort.OnnxValue> = {};
  for (const input of session.inputMetadata) {
    if (!input.isTensor || !input.name.startsWith("past_")) continue;
    const [, heads, , size] = input.shape as number[];
    past[input.name] = new ort.Tensor("float32", new Float32Array(0), [1, heads!, 0, size!]);
  }
  drafter.reset(text);
  while (text.length < prompt.length + count) {
    const limit = prompt.length + count - text.length;
    drafter.propose(Math.min(session.draftLimit(), limit - 1), draft);
    const { tokens, confidence, length } = draft;
    const { positions, rows } = session.plan({ draft: tokens.subarray(0, length), confidence, limit });
    const ids = [...text.slice(cached), ...tokens.subarray(0, positions - 1), ...new Array(rows - positions).fill(0)];
    const attention_mask = int64(new Array(cached + ids.length).fill(1));
    const results = await session.run({ ...past, input_ids: int64(ids), attention_mask });
    const vocabulary = results.logits!.dims[2]!;
    const logits = (results.logits!.data as Float32Array).subarray((ids.length - rows) * vocabulary);
    const emitted = new Int32Array(positions);
    const accepted = verifyGreedy(logits, vocabulary, tokens, positions - 1, emitted);
    const out = emitted.subarray(0, accepted + 1);
    session.observe(out);
    drafter.learn(out, out.length);
    text.push(...out);
    cached = text.length - 1; // A shorter mask is all it takes to forget: this model's attention reads lengths from it.
    for (const name of Object.keys(past)) past[name] = results[name.replace("past_key_values", "present")]!;
    forwards++;
  }
  return { tokens: text.slice(prompt.length), forwards };
}

const prompt = model.codec!.encode("export const isString = (value: unknown): value is string =>");
const plain = await generate(createScheduler({ policy: "fixed", positions: 1 }), prompt, 96);
const scheduled = await generate(createScheduler({ profile }), prompt, 96);
console.log(model.codec!.decode(scheduled.tokens));
const same = scheduled.tokens.join() === plain.tokens.join();
console.log(`(${plain.forwards} forwards became ${scheduled.forwards}; the same tokens: ${same ? "yes" : "NO"})`);
await Promise.all([model.release(), bare.release()]);
