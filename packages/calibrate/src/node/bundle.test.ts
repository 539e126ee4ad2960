import type { Profile } from "@nearfree/core";
import { hashOf } from "@nearfree/core/measure";
import { sampleProfile } from "@nearfree/core/test";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BUNDLE_VERSION, decodeBundle, encodeBundle } from "./bundle.ts";

const partial: Profile = { ...sampleProfile(2), run: { ...sampleProfile().run, stop: "aborted" } };
const byKey = (a: Profile, b: Profile) => (hashOf(a.key) < hashOf(b.key) ? -1 : 1);

describe("bundle", () => {
  it("gives back whole profiles, each marked as imported", () => {
    const profiles = [sampleProfile(0), sampleProfile(1)];
    const expected = profiles.sort(byKey).map((profile) => ({ ...profile, imported: true }));
    expect(decodeBundle(encodeBundle(profiles), "x")).toEqual(expected);
    expect(decodeBundle(encodeBundle([]), "x")).toEqual([]);
  });

  it("leaves out partial profiles, and the mark of an earlier import", () => {
    const text = encodeBundle([partial, { ...sampleProfile(), imported: true }]);
    expect(JSON.parse(text).profiles).toEqual([sampleProfile()]);
  });

  it("is the same text whatever the order of the profiles", () => {
    expect(encodeBundle([sampleProfile(1), sampleProfile(0)])).toBe(encodeBundle([sampleProfile(0), sampleProfile(1)]));
  });

  const bundleOf = (profiles: readonly unknown[], more = {}) =>
    JSON.stringify({
      format: "nearfree-bundle",
      version: BUNDLE_VERSION,
      checksum: hashOf(profiles),
      profiles,
      ...more,
    });

  it.each([
    ["", "no JSON"],
    ["[]", "other JSON"],
    ["null", "other JSON"],
    ['"nearfree-bundle"', "other JSON"],
    [bundleOf([], { format: "nearfree-profile" }), "other JSON"],
    [bundleOf([], { version: 2 }), "version 2"],
    [bundleOf([{ ...sampleProfile(), baseMs: -1 }]), "damaged or of another version (number 1)"],
    [bundleOf([sampleProfile(), partial]), "(number 2)"],
    [bundleOf([{ ...sampleProfile(), imported: true }]), "(number 1)"],
    [bundleOf([sampleProfile()], { checksum: hashOf([]) }), "changed after it was written"],
  ])("refuses %.60s", (text, received) => {
    const refused = expect.objectContaining({ code: "invalid-bundle", message: expect.stringContaining(received) });
    expect(() => decodeBundle(text, "b.json")).toThrow(refused);
    expect(() => decodeBundle(text, "b.json")).toThrow(
      /^\[calibrate\] b\.json: expected [^\n]+, received [^\n]+; [^\n]+$/,
    );
  });

  it("takes a mutated bundle whole or refuses it", () => {
    const good = encodeBundle([sampleProfile(0), sampleProfile(1)]);
    const expected = decodeBundle(good, "x");
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.string({ maxLength: 3 }), fc.nat(40), (at, insert, skip) => {
        const text = good.slice(0, at) + insert + good.slice(at + skip);
        try {
          expect(decodeBundle(text, "x")).toEqual(expected);
        } catch (error) {
          expect(error).toMatchObject({ code: "invalid-bundle" });
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
