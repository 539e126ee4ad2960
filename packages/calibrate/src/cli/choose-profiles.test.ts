import { sampleProfile } from "@nearfree/core/test";
import { expect, it } from "vitest";
import { chooseProfiles } from "./choose-profiles.ts";

const profile = (n: number, model: string, label?: string) => {
  const sample = sampleProfile(n);
  return { ...sample, key: { ...sample.key, model }, ...(label !== undefined && { label }) };
};
const llama = profile(0, "abc1", "Llama");
const quantised = profile(1, "abd2", "Llama-q4");
const nameless = profile(2, "f00d");
const all = [llama, quantised, nameless];

it.each([
  [undefined, all],
  ["llama", [llama]],
  ["LLAMA-", [quantised]],
  ["lla", [llama, quantised]],
  ["ab", [llama, quantised]],
  ["abd", [quantised]],
  ["F00D", [nameless]],
])("%s", (name, found) => expect(chooseProfiles(all, name)).toEqual(found));

it("a name that finds nothing is refused in one line that says what is there", () => {
  const refusal = (text: string) =>
    expect.objectContaining({ code: "invalid-argument", message: expect.stringContaining(text) });
  expect(() => chooseProfiles(all, "gpt")).toThrow(refusal("there are Llama (abc1), Llama-q4 (abd2), model f00d"));
  expect(() => chooseProfiles([], "gpt")).toThrow(
    refusal("the cache is empty; run `nearfree calibrate <model>` first"),
  );
  const many = Array.from({ length: 12 }, (_, i) => profile(i, `hash${i}`, `model-${i}`));
  expect(() => chooseProfiles(many, "gpt")).toThrow(refusal("and 4 more"));
});
