import { expect, it } from "vitest";
import { watchNothing, watchScheduler } from "./load-watch.ts";

it("tells the share of a busy process's time that went to others, or that it cannot", () => {
  const watch = watchScheduler();
  let sum = 0;
  for (let i = 0; i < 5e6; i++) sum += Math.sqrt(i);
  expect(sum).toBeGreaterThan(0);
  const share = watch.waitedShare();
  if (share !== undefined) {
    expect(share).toBeGreaterThanOrEqual(0);
    expect(share).toBeLessThan(1);
  }
  expect(watchNothing().waitedShare()).toBeUndefined();
});
