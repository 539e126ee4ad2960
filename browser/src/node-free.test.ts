import { describe, expect, it } from "vitest";
import { bundle } from "./bundle.ts";

describe("what a bundler for browsers makes of the packages", () => {
  it.each([
    "@nearfree/core",
    "@nearfree/core/principle",
    "@nearfree/core/measure",
    "@nearfree/ort-adapter",
    "@nearfree/ort-adapter/onnx",
    "@nearfree/calibrate",
  ])("%s needs nothing of Node, itself or by what it depends on", async (entry) => {
    const { imports } = await bundle({ entry });
    expect(imports).toEqual([]);
  });

  it("would show a need of Node: the file store has some", async () => {
    const { imports } = await bundle({ entry: "@nearfree/core/fs-store" });
    expect(imports).toContain("node:fs/promises");
  });
});
