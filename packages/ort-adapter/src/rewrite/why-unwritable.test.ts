import { expect, it } from "vitest";
import { whyUnwritable } from "./why-unwritable.ts";

const refusal = (code: string) => Object.assign(new Error(code), { code, errno: -1 });

it.each([
  ["EXDEV", "another file system"],
  ["EPERM", "no hard links"],
  ["EROFS", "cannot be written"],
  ["ENOSPC", "is full"],
  ["EFBIG", "cannot be used (EFBIG)"],
])("says %s in words", (code, words) => {
  expect(whyUnwritable(refusal(code), "/cache")).toContain(words);
});

it("knows nothing of errors that are not the file system's", () => {
  expect(whyUnwritable(new Error("another"), "/cache")).toBeUndefined();
});
