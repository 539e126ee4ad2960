import type { RowLayout } from "@nearfree/core";
import { invalid } from "../check-forward.ts";

/** @throws NearfreeError `invalid-argument` for a layout that is not one of `count` rows */
export function checkLayout({ positions, visible }: RowLayout, count: number, contextLimit: number): void {
  if (positions.length !== count) {
    throw invalid("layout.positions", `${count}, one a row`, String(positions.length), "name each row's position");
  }
  if (visible.length !== count * count) {
    throw invalid(
      "layout.visible",
      `${count} x ${count} values`,
      String(visible.length),
      "say of each row what it sees",
    );
  }
  for (let row = 0; row < count; row++) {
    const position = positions[row]!;
    if (!Number.isInteger(position) || position < 0 || position >= contextLimit) {
      const expected = `an integer from 0 to ${contextLimit - 1}`;
      throw invalid(`position of row ${row}`, expected, String(position), "keep it inside the context");
    }
  }
}
