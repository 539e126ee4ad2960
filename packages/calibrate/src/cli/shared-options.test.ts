import { PUBLISHED_DEVICES } from "@nearfree/core/principle";
import { expect, it } from "vitest";
import { DEVICE_NAMES } from "./shared-options.ts";

it("names every device whose figures are published", () => {
  expect(DEVICE_NAMES).toEqual(Object.keys(PUBLISHED_DEVICES));
});
