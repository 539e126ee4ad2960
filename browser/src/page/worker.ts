import { runScenario, type ScenarioCall } from "./scenarios.ts";

/** What a worker answers a call with. */
export type WorkerReply = { readonly result: unknown } | { readonly error: string };

self.onmessage = async ({ data }: MessageEvent<ScenarioCall>) => {
  const reply = await runScenario(data).then(
    (result): WorkerReply => ({ result }),
    (error: unknown): WorkerReply => ({ error: error instanceof Error ? String(error.stack) : String(error) }),
  );
  self.postMessage(reply);
};
