import { describe, expect, it } from "vitest";
import { type BiasPlace, type BiasRows, writeBias } from "./write-bias.ts";

const PLACE: BiasPlace = { offset: 0, capacity: 4, width: 3, window: Number.POSITIVE_INFINITY };

/** The rows as text: `x` where one sees a position. Past and new rows stand apart. */
function seen(rows: BiasRows, place: Partial<BiasPlace> = {}): string[] {
  const { offset, capacity, width, window } = { ...PLACE, ...place };
  const values = new Float32Array(offset + width * (capacity + width)).fill(7);
  writeBias(values, rows, { offset, capacity, width, window });
  for (let i = 0; i < offset; i++) expect(values[i]).toBe(7);
  return Array.from({ length: width }, (_, row) => {
    const start = offset + row * (capacity + width);
    const marks = Array.from(values.subarray(start, start + capacity + width), (value) => (value === 0 ? "x" : "."));
    return `${marks.slice(0, capacity).join("")} ${marks.slice(capacity).join("")}`;
  });
}

describe("writeBias", () => {
  it("shows a row what stands before it, and none of the room behind the live positions", () => {
    expect(seen({ length: 2, count: 3 })).toEqual(["xx.. x..", "xx.. xx.", "xx.. xxx"]);
  });

  it("cuts off what is outside the window", () => {
    expect(seen({ length: 3, count: 3 }, { window: 2 })).toEqual(["..x. x..", ".... xx.", ".... .xx"]);
  });

  it("shows padding itself alone, so that its softmax is a number", () => {
    expect(seen({ length: 2, count: 1 })).toEqual(["xx.. x..", ".... .x.", ".... ..x"]);
    expect(seen({ length: 0, count: 0 })).toEqual([".... x..", ".... .x.", ".... ..x"]);
  });

  it("goes by a layout where there is one, and by the rows' own positions in a window", () => {
    const tree = { length: 2, count: 3, positions: [2, 3, 3], visible: [1, 0, 0, 1, 1, 0, 1, 0, 1] };
    expect(seen(tree)).toEqual(["xx.. x..", "xx.. xx.", "xx.. x.x"]);
    expect(seen(tree, { window: 2 })).toEqual([".x.. x..", ".... xx.", ".... x.x"]);
    expect(seen({ ...tree, visible: new Uint8Array(9) })).toEqual(["xx.. x..", "xx.. .x.", "xx.. ..x"]);
  });

  it("writes at its offset alone", () => {
    expect(seen({ length: 1, count: 3 }, { offset: 5 })).toEqual(["x... x..", "x... xx.", "x... xxx"]);
  });
});
