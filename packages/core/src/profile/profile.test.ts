import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sampleProfile } from "../testing/sample-profile.ts";
import { type Profile, parseProfile, prefixFree } from "./profile.ts";

const change = (parts: object): unknown => ({ ...sampleProfile(), ...parts });
const withPoint = (at: number, parts: Partial<Profile["points"][number]>) =>
  change({ points: sampleProfile().points.map((point, i) => (i === at ? { ...point, ...parts } : point)) });

describe("parseProfile", () => {
  it("gives back what JSON kept", () => {
    expect(parseProfile(JSON.parse(JSON.stringify(sampleProfile())))).toEqual(sampleProfile());
  });

  it.each<[string, unknown]>([
    ["of another version", change({ version: 2 })],
    ["with a field too many", change({ note: "" })],
    ["without points", change({ points: [] })],
    ["that does not begin at one position", change({ points: sampleProfile().points.slice(1) })],
    ["whose points are not sorted", change({ points: sampleProfile().points.toReversed() })],
    ["with an n twice", withPoint(2, { positions: 2 })],
    ["with a ratio outside of its interval", withPoint(1, { high: 1.01 })],
    ["with a ratio of 0", withPoint(1, { ratio: 0, low: 0 })],
    ["with an n that is no integer", withPoint(1, { positions: 1.5 })],
    ["with a T(1) that is no number", change({ baseMs: Number.NaN })],
    ["with more flips than rows", change({ invariance: { classes: [], maxDifference: 0, rows: 1, argmaxFlips: 2 } })],
    ["of an environment that lacks its threads", change({ key: { ...sampleProfile().key, environment: {} } })],
  ])("refuses one %s", (_what, value) => {
    expect(parseProfile(value)).toBeUndefined();
  });

  it("never throws", () => {
    fc.assert(fc.property(fc.anything(), (value) => parseProfile(value) === undefined));
  });
});

describe("prefixFree", () => {
  it("is the last n before the first above 1 + epsilon, and one at least", () => {
    const profile = sampleProfile(0, [1, 1.05, 1.2, 1.06]);
    expect([0, 0.05, 0.1, 0.2].map((epsilon) => prefixFree(profile, epsilon))).toEqual([1, 2, 2, 4]);
  });
});
