import type { Cell, Clock } from "@nearfree/core";
import type { CalibrationEvent } from "@nearfree/core/measure";
import { DEFAULT_BUDGET_MS } from "../../measure/options.ts";
import type { Output } from "../output.ts";
import { durationText, TimeLeft } from "./time-left.ts";

export interface ProgressOptions {
  /** Default `performance.now`. */
  readonly clock?: Clock;
  /** Most ms of a cell. */
  readonly budgetMs?: number;
  /** Cells still to come after the one in hand. Default none: the cell needs no name. */
  readonly cellsAfter?: () => number;
}

/** Shows a calibration's events as one progress line with the time left at most, and logs what stays of interest. */
export function reportProgress(
  output: Pick<Output, "log" | "progress" | "settle">,
  { clock = () => performance.now(), budgetMs = DEFAULT_BUDGET_MS, cellsAfter }: ProgressOptions = {},
): (event: CalibrationEvent) => void {
  let left: TimeLeft | undefined;
  let longestMs = 0; // Of the cells measured so far.
  const nameOf = ({ contextLength, batch }: Cell) =>
    cellsAfter === undefined ? "" : ` context ${contextLength}, batch ${batch}`;
  /** The rest of a grid at the pace of its longest cell; nothing is known of it during the first. */
  const gridLeft = (ms: number) => {
    const after = cellsAfter?.() ?? 0;
    if (after === 0) return `at most ${durationText(ms)} left`;
    return longestMs === 0
      ? `cells to come: ${after}`
      : `at most ${durationText(ms + after * longestMs)} left, cells to come: ${after}`;
  };
  return (event) => {
    output.log.debug({ event }, event.type);
    left ??= new TimeLeft(clock, budgetMs);
    switch (event.type) {
      case "waiting":
        output.progress("waiting for another process that measures on this machine");
        break;
      case "warming":
        output.progress(`calibrating${nameOf(event.cell)}: warming ${event.positions} positions`);
        break;
      case "qualified":
        output.log.info(
          `T(1) is ${event.baseMs.toFixed(3)} ms; ratios above ${event.smallestRatio.toFixed(3)} can be told from 1`,
        );
        break;
      case "sampled":
        output.progress(
          `calibrating${nameOf(event.cell)}: ${event.positions} positions cost ${event.ratio.toFixed(2)} times one; ` +
            `${event.forwards} of at most ${event.forwardLimit} forwards, ` +
            gridLeft(left.after(event.forwards, event.forwardLimit)),
        );
        break;
      case "done":
        longestMs = Math.max(longestMs, event.measurement.run.ms);
        left = undefined;
        output.settle();
    }
  };
}
