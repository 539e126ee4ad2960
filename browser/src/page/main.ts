import { runScenario, type ScenarioCall } from "./scenarios.ts";
import type { WorkerReply } from "./worker.ts";

/** What the tests call in the page. */
export interface PageEntry {
  inPage(call: ScenarioCall): Promise<unknown>;
  inWorker(call: ScenarioCall): Promise<unknown>;
}

async function inWorker(call: ScenarioCall): Promise<unknown> {
  const worker = new Worker("/worker.js", { type: "module" });
  try {
    const reply = await new Promise<WorkerReply>((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = ({ message }) => reject(new Error(`the worker failed: ${message}`));
      worker.postMessage(call);
    });
    if ("error" in reply) throw new Error(reply.error);
    return reply.result;
  } finally {
    worker.terminate();
  }
}

const entry: PageEntry = { inPage: runScenario, inWorker };
Object.assign(self, { nearfree: entry });
