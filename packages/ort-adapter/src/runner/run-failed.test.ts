import { createScheduler, decode, type NearfreeError } from "@nearfree/core";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { expect, it } from "vitest";
import { smallDecoder } from "../testing/small-decoder.ts";
import type { RunnableSession } from "./decoder-pass.ts";
import type { SessionIo } from "./io-names.ts";
import { isDeviceLost } from "./run-failed.ts";
import { createSessionRunner } from "./session-runner.ts";

it.each([
  "Device is lost: A valid external Instance reference no longer exists.",
  "[WebGPU] device lost (unknown): Unknown error",
  "Failed to execute 'mapAsync' on 'GPUBuffer': [Device] is lost.",
  "DXGI_ERROR_DEVICE_REMOVED",
  "Non-zero status code: VK_ERROR_DEVICE_LOST",
  "A GPU process crash made the context lost",
])("knows a lost device: %s", (message) => {
  expect(isDeviceLost(new Error(message))).toBe(true);
});

it.each(["out of memory", "Got invalid dimensions for input: input_ids", "the device does not support float16"])(
  "takes nothing else for one: %s",
  (message) => {
    expect(isDeviceLost(new Error(message))).toBe(false);
  },
);

it.each([
  [
    "a lost device",
    "Device is lost",
    /lost and its KV cache with it: make a new session and a new runner, or rewind\(0\)/,
  ],
  ["another failure", "out of memory", /; rewind\(0\) and run the text so far as the prompt, or make a new runner/],
])(
  "a decode that ends by %s says what to do, and doing it gives the rest of the text",
  async (_by, message, remedy) => {
    const session = await InferenceSession.create(smallDecoder(), { intraOpNumThreads: 1 });
    let left = Number.POSITIVE_INFINITY;
    const failing: SessionIo & RunnableSession = {
      inputNames: session.inputNames,
      outputNames: session.outputNames,
      inputMetadata: session.inputMetadata,
      outputMetadata: session.outputMetadata,
      run: (async (feeds: InferenceSession.FeedsType, fetches: InferenceSession.FetchesType) => {
        if (left-- <= 0) throw new Error(message);
        return session.run(feeds, fetches);
      }) as RunnableSession["run"],
    };
    const runner = await createSessionRunner(failing, { Tensor, contextLimit: 64 });
    const scheduler = createScheduler({ policy: "fixed", positions: 1 });
    const generate = async (prompt: readonly number[], maxNewTokens: number, out: number[]) => {
      for await (const token of decode({ runner, scheduler, prompt, maxNewTokens })) out.push(token);
    };
    const expected: number[] = [];
    await generate([1, 2, 3], 12, expected);

    const tokens: number[] = [];
    left = 6;
    const error = await generate([1, 2, 3], 12, tokens).catch((thrown: NearfreeError) => thrown);
    expect(error).toMatchObject({ code: "run-failed", message: expect.stringMatching(remedy) });
    expect(tokens).toEqual(expected.slice(0, 5));
    left = Number.POSITIVE_INFINITY;
    runner.rewind(0);
    await generate([1, 2, 3, ...tokens], 7, tokens);
    expect(tokens).toEqual(expected);
  },
);
