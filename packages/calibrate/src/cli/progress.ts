import type { CalibrationEvent } from "@nearfree/core";
import type { Output } from "./output.ts";

/** Shows a calibration's events as one progress line, and logs them at level info. */
export function reportProgress(output: Output): (event: CalibrationEvent) => void {
  return (event) => {
    output.log.debug({ event }, event.type);
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
            `${event.forwards} of at most ${event.forwardLimit} forwards`,
        );
        break;
      case "done":
        output.settle();
    }
  };
}
