import { fork } from "node:child_process";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { DecoderOutcome } from "./check-decoder.ts";
import type { WorkerMessage } from "./worker.ts";

/** `hang`: no end within a minute. `runtime`: ONNX Runtime ended the process while it ran the mutated graph itself. */
export type DecoderVerdict = DecoderOutcome | "hang" | "runtime";

export interface DecoderFailure {
  readonly seed: number;
  readonly what: string;
  readonly verdict: DecoderVerdict;
  readonly message: string;
}

export interface DecoderCounts {
  readonly counts: Readonly<Record<DecoderVerdict, number>>;
  /** What may not be, and what the proof alone found. */
  readonly failures: readonly DecoderFailure[];
}

const PROCESSES = 2;
/** Of one decoder, on a machine with other work. */
const HANG_MS = 60_000;
const KNOWN: ReadonlySet<DecoderVerdict> = new Set(["refused", "original", "rewritten", "unstable", "runtime"]);

/** Checks the mutated decoders of seeds 0 to `count` - 1, in processes of their own. */
export async function checkDecoders(count: number): Promise<DecoderCounts> {
  const counts = {
    rewritten: 0,
    original: 0,
    refused: 0,
    unstable: 0,
    runtime: 0,
    caught: 0,
    wrong: 0,
    crash: 0,
    hang: 0,
  };
  const failures: DecoderFailure[] = [];
  const note = (failure: DecoderFailure) => {
    counts[failure.verdict]++;
    if (!KNOWN.has(failure.verdict)) failures.push(failure);
  };
  const folder = await mkdtemp(join(await memoryFolder(), "nearfree-mutations-"));
  try {
    const runs = Array.from({ length: PROCESSES }, (_, first) => checkShare(folder, first, count, note));
    await Promise.all(runs);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return { counts, failures: failures.sort((a, b) => a.seed - b.seed) };
}

/** Memory, where there is some: every decoder is written, linked and removed again. */
async function memoryFolder(): Promise<string> {
  const found = await stat("/dev/shm").catch(() => undefined);
  return found?.isDirectory() ? "/dev/shm" : tmpdir();
}

/** Every seed of one process, and of the next one where a decoder ended it. */
async function checkShare(folder: string, first: number, end: number, note: (failure: DecoderFailure) => void) {
  for (let next = first; next < end; ) next = await checkFrom(folder, next, end, note);
}

function checkFrom(
  folder: string,
  first: number,
  end: number,
  note: (failure: DecoderFailure) => void,
): Promise<number> {
  const worker = fileURLToPath(new URL("./worker.js", import.meta.url));
  const child = fork(worker, [folder, first, end, PROCESSES].map(String), {
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  });
  let at = first;
  let stage = "";
  let hung = false;
  const hang = () => {
    hung = true;
    child.kill("SIGKILL");
  };
  let timer = setTimeout(hang, HANG_MS);
  child.on("message", (message: WorkerMessage) => {
    clearTimeout(timer);
    timer = setTimeout(hang, HANG_MS);
    if ("stage" in message) {
      at = message.seed;
      stage = message.stage;
      return;
    }
    const { seed, what, checked } = message;
    at = seed + PROCESSES;
    stage = "";
    note({ seed, what, verdict: checked.outcome, message: checked.message });
  });
  return new Promise((resolve) => {
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      if (at >= end) return resolve(end);
      const verdict = hung ? "hang" : stage === "reference" ? "runtime" : "crash";
      note({ seed: at, what: stage, verdict, message: `the process ended: ${signal ?? code}` });
      resolve(at + PROCESSES);
    });
  });
}
