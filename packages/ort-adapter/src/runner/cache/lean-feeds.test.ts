import { Tensor } from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import type { Feeds } from "./kv-cache.ts";
import { LeanFeeds } from "./lean-feeds.ts";

/** The bias as rows of `x` (seen) and `.` (not). */
function seen(feeds: Feeds, name: string): string[] {
  const { data, dims } = feeds[name] as Tensor;
  const values = data as Float32Array;
  const [, , rows = 0, columns = 0] = dims;
  expect(values).toHaveLength(rows * columns);
  return Array.from({ length: rows }, (_, row) =>
    [...values.subarray(row * columns, (row + 1) * columns)].map((value) => (value === 0 ? "x" : ".")).join(""),
  );
}

describe("LeanFeeds", () => {
  it("shows every row the live positions and the new ones up to itself, and no room", () => {
    const feeds: Feeds = {};
    new LeanFeeds({ pastLength: true, windows: [undefined] }, Tensor).fill(feeds, 3, 3, 5);
    expect(seen(feeds, "nearfree_bias")).toEqual(["xxx..x..", "xxx..xx.", "xxx..xxx"]);
    expect(feeds.nearfree_past_length).toMatchObject({ data: BigInt64Array.of(3n), dims: [1] });
  });

  it("shows no more than a window, which ends at the row itself", () => {
    const feeds: Feeds = {};
    new LeanFeeds({ pastLength: false, windows: [2, undefined] }, Tensor).fill(feeds, 3, 3, 4);
    expect(seen(feeds, "nearfree_bias_2")).toEqual(["..x.x..", "....xx.", ".....xx"]);
    expect(seen(feeds, "nearfree_bias")).toEqual(["xxx.x..", "xxx.xx.", "xxx.xxx"]);
    expect(feeds).not.toHaveProperty("nearfree_past_length");
  });

  it("forgets what an earlier forward saw: rewinds, fewer rows, more room", () => {
    const feeds: Feeds = {};
    const lean = new LeanFeeds({ pastLength: true, windows: [undefined] }, Tensor);
    lean.fill(feeds, 4, 3, 4);
    lean.fill(feeds, 1, 2, 4);
    expect(seen(feeds, "nearfree_bias")).toEqual(["x...x.", "x...xx"]);
    lean.fill(feeds, 1, 1, 8);
    expect(seen(feeds, "nearfree_bias")).toEqual(["x.......x"]);
    lean.release();
    lean.fill(feeds, 0, 2, 2);
    expect(seen(feeds, "nearfree_bias")).toEqual(["..x.", "..xx"]);
  });

  it("makes no tensor anew while neither rows nor room change", () => {
    const [one, other]: Feeds[] = [{}, {}];
    const lean = new LeanFeeds({ pastLength: true, windows: [undefined] }, Tensor);
    lean.fill(one!, 1, 1, 4);
    lean.fill(other!, 2, 1, 4);
    expect(other!.nearfree_bias).toBe(one!.nearfree_bias);
    expect(other!.nearfree_past_length).toBe(one!.nearfree_past_length);
  });
});
