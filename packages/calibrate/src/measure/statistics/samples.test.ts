import { describe, expect, it } from "vitest";
import { Samples } from "./samples.ts";

/** Anchors of `ms`, one after the other. */
function addAnchors(samples: Samples, ...ms: number[]): void {
  for (const each of ms) samples.addAnchor(each);
}

describe("a sample", () => {
  it("is the log of a timing over the typical anchor around it", () => {
    const samples = new Samples();
    addAnchors(samples, 2, 2, 2, 2);
    samples.addTiming(4, 3);
    addAnchors(samples, 2, 2, 2, 2);
    expect(samples.of(4)[0]).toBeCloseTo(Math.log(1.5), 12);
    expect({ measured: samples.measured, discards: samples.discards }).toEqual({ measured: [4], discards: 0 });
  });

  it("counts from the next anchor on", () => {
    const samples = new Samples();
    samples.addTiming(2, 1);
    expect(samples.measured).toEqual([]);
    addAnchors(samples, 1);
    expect(samples.measured).toEqual([]); // nothing before it
    samples.addTiming(2, 1.25);
    addAnchors(samples, 1);
    expect(samples.of(2)).toEqual([Math.log(1.25)]);
  });

  it("does not see an anchor that something cut into", () => {
    const samples = new Samples();
    addAnchors(samples, 1, 1, 9);
    samples.addTiming(8, 1.5);
    addAnchors(samples, 1, 1, 1);
    expect(samples.of(8)).toEqual([Math.log(1.5)]);
  });

  it("follows drift", () => {
    const samples = new Samples();
    let ms = 1;
    for (let i = 0; i < 40; i++) {
      samples.addAnchor(ms);
      samples.addTiming(4, ms * 1.002 * 1.5);
      ms *= 1.004;
    }
    for (const logRatio of samples.of(4).slice(4, -4)) expect(logRatio).toBeCloseTo(Math.log(1.5), 2);
  });

  it("is discarded where the machine changed between the anchors", () => {
    const samples = new Samples();
    addAnchors(samples, 1, 1, 1, 1);
    samples.addTiming(2, 1.1);
    addAnchors(samples, 1.6, 1.6, 1.6, 1.6);
    samples.addTiming(2, 1.76);
    addAnchors(samples, 1.6, 1.6, 1.6, 1.6);
    expect(samples.discards).toBe(1);
    expect(samples.of(2)).toHaveLength(1);
    expect(samples.of(2)[0]).toBeCloseTo(Math.log(1.1), 12);
  });
});

it("puts samples of an earlier run first, and shares their noise", () => {
  const samples = new Samples();
  samples.resume(2, [0.1, 0.12]);
  samples.resume(2, [0.11]);
  addAnchors(samples, 1, 1);
  samples.addTiming(2, Math.exp(0.09));
  addAnchors(samples, 1);
  expect(samples.of(2).slice(0, 3)).toEqual([0.1, 0.12, 0.11]);
  expect(samples.count(2)).toBe(4);
  expect(samples.noiseScale).toBeGreaterThan(0);
});
