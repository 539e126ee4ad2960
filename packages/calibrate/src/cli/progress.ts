import type { CalibrationEvent, Clock } from "@nearfree/core";
import { DEFAULT_BUDGET_MS } from "../options.ts";
import type { Output } from "./output.ts";
import { durationText, TimeLeft } from "./time-left.ts";

/** Shows a calibration's events as one progress line with the time left at most, and logs what stays of interest. */
export function reportProgress(
  output: Output,
  { clock = () => performance.now(), budgetMs = DEFAULT_BUDGET_MS }: { clock?: Clock; budgetMs?: number } = {},
): (event: CalibrationEvent) => void {
  let left: TimeLeft | undefined;
  return (event) => {
    output.log.debug({ event }, event.type);
    left ??= new TimeLeft(clock, budgetMs);
    switch (event.type) {
      case "warming":
        output.progress(`calibrating: warming ${event.positions} positions`);
        break;
      case "qualified":
        output.log.info(
          `T(1) is ${event.baseMs.toFixed(3)} ms; ratios above ${event.smallestRatio.toFixed(3)} can be told from 1`,
        );
        break;
      case "sampled":
        output.progress(
          `calibrating: ${event.positions} positions cost ${event.ratio.toFixed(2)} times one; ` +
            `${event.forwards} of at most ${event.forwardLimit} forwards, ` +
            `at most ${durationText(left.after(event.forwards, event.forwardLimit))} left`,
        );
        break;
      case "done":
        left = undefined;
        output.settle();
    }
  };
}
