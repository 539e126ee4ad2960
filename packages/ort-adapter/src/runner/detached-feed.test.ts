import { InferenceSession, Tensor } from "onnxruntime-node";
import { expect, it } from "vitest";
import { countingDecoder } from "../testing/counting-decoder.ts";
import { createSessionRunner } from "./session-runner.ts";

it("a runner whose runtime gave its feeds away says which, in one line", async () => {
  const session = await InferenceSession.create(countingDecoder(), { intraOpNumThreads: 1, logSeverityLevel: 4 });
  const { inputNames, outputNames, inputMetadata, outputMetadata } = session;
  let proxied = false;
  // What a worker of ONNX Runtime does to the tensors it is handed.
  const run = (feeds: InferenceSession.FeedsType, fetches: InferenceSession.FetchesType) => {
    const { buffer } = (feeds.attention_mask as Tensor).data as BigInt64Array;
    if (proxied) structuredClone(buffer, { transfer: [buffer as ArrayBuffer] });
    return session.run(feeds, fetches);
  };
  const described = { inputNames, outputNames, inputMetadata, outputMetadata, run: run as InferenceSession["run"] };
  const runner = await createSessionRunner(described, { Tensor, contextLimit: 64 });
  proxied = true;
  const failed = expect.objectContaining({
    code: "run-failed",
    message: expect.stringMatching(
      /^\[ort-adapter\] input attention_mask: expected the data of int64 \[1, 3\], received a tensor whose buffer is detached; [^\n]{0,200}$/,
    ),
  });
  await expect(runner.forward([1, 2, 3])).rejects.toThrow(failed);
});
