import { describe, expect, test } from "vitest";
import { captureOutput } from "../testing/captured-output.ts";
import { catchInterrupts } from "./interrupts.ts";
import { main } from "./main.ts";

const written = captureOutput();

describe("catchInterrupts", () => {
  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("%s fires the signal once; the next one is the system's", (name, exitCode) => {
    const before = process.listenerCount(name);
    const interrupts = catchInterrupts();
    expect(interrupts.exitCode()).toBeUndefined();
    process.emit(name);
    expect(interrupts.signal.aborted).toBe(true);
    expect(interrupts.exitCode()).toBe(exitCode);
    for (const each of ["SIGINT", "SIGTERM"]) expect(process.listenerCount(each)).toBe(before);
  });

  test("stop() leaves no listener behind", () => {
    const before = process.listenerCount("SIGINT");
    catchInterrupts().stop();
    expect(process.listenerCount("SIGINT")).toBe(before);
  });
});

test("a signal that came before the command was read ends it in one line", async () => {
  const interrupts = catchInterrupts();
  process.emit("SIGTERM");
  expect(await main(["show", "--json"], interrupts)).toBe(143);
  expect(written.stderr).toMatch(/^nearfree: .*received SIGTERM; nothing was begun, start again\n$/);
  expect(written.json()).toMatchObject({ error: { code: "aborted" } });
});
