import { createRandom, type Random, shuffled } from "@nearfree/calibrate";
import type { ReplayCurve } from "./curves/replay-curve.ts";
import { createMachine, type Machine, type MachineOptions } from "./machine.ts";
import { createStream, type DraftedText, type Segment, type Stream } from "./stream.ts";

/** Tokens of one segment: a request, or a stretch of text of one nature. */
const SEGMENT = 200;
/** Segments of a stream. */
const SEGMENTS = 16;
const GROWTH_START = 64;
/** Error of a profile that is as good as calibration makes them, and of a bad one. */
const SMALL_ERROR = 0.02;
const LARGE_ERROR = 0.1;
/** A drafter that costs time: its draft, as a share of T(1). */
const COSTLY_DRAFT = 0.1;
/** sigma of the lognormal noise of a timing. */
const NOISE = 0.05;

/** Which segments a stream draws from: all of them, the third that drafts do best or worst on, or those two in turns. */
type Draw = "any" | "best" | "worst" | "turns";

export interface Traffic {
  readonly name: string;
  /** Whether its nature changes as it goes. */
  readonly mixed: boolean;
  readonly draw: Draw;
  readonly as: "requests" | "text";
  readonly contextStart?: number;
  readonly machine: MachineOptions;
}

const calm = { profileError: SMALL_ERROR } as const;

export const TRAFFICS: readonly Traffic[] = [
  { name: "requests", mixed: false, draw: "any", as: "requests", machine: calm },
  { name: "easy", mixed: false, draw: "best", as: "requests", machine: calm },
  { name: "hard", mixed: false, draw: "worst", as: "requests", machine: calm },
  { name: "regimes", mixed: true, draw: "turns", as: "text", machine: calm },
  { name: "regimes-error", mixed: true, draw: "turns", as: "text", machine: { profileError: LARGE_ERROR } },
  {
    name: "growth",
    mixed: false,
    draw: "any",
    as: "text",
    contextStart: GROWTH_START,
    machine: { ...calm, growth: true },
  },
  { name: "drift", mixed: false, draw: "any", as: "requests", machine: { ...calm, drift: true } },
  { name: "costly", mixed: false, draw: "any", as: "requests", machine: { ...calm, draftShare: COSTLY_DRAFT } },
];

/** A stream, the machine that it runs on, and the noise of the timings: all that a replay needs. */
export interface Course {
  readonly stream: Stream;
  readonly machine: Machine;
  /** noise[t], of mean 1. */
  readonly noise: Float64Array;
}

/** Segments of every recording, those that drafts do worst on first. */
export function segmentsByAcceptance(texts: readonly DraftedText[]): Segment[] {
  const segments = texts.map((text) => ({ text, from: 0, to: Math.min(SEGMENT, text.drafts.length) }));
  const rate = (segment: Segment) => {
    const { right, length } = createStream([segment], { as: "requests" });
    return right.reduce((sum, each) => sum + Math.min(each, 7), 0) / length;
  };
  return segments
    .map((segment) => [rate(segment), segment] as const)
    .sort(([a], [b]) => a - b)
    .map(([, each]) => each);
}

export function createCourse(curve: ReplayCurve, traffic: Traffic, ranked: readonly Segment[], seed: number): Course {
  const random = createRandom(seed * 7919 + 1);
  const stream = createStream(drawSegments(traffic.draw, ranked, random), traffic);
  const machine = createMachine(curve, stream, seed * 104_729 + 3, traffic.machine);
  return { stream, machine, noise: lognormal(stream.length, NOISE, random) };
}

function drawSegments(draw: Draw, ranked: readonly Segment[], random: Random): Segment[] {
  const third = Math.floor(ranked.length / 3);
  const endless = (from: readonly Segment[]) => {
    const left: Segment[] = [];
    return () => {
      if (left.length === 0) left.push(...shuffled(from, random));
      return left.pop()!;
    };
  };
  const best = endless(ranked.slice(-third));
  const worst = endless(ranked.slice(0, third));
  const any = endless(ranked);
  return Array.from({ length: SEGMENTS }, (_, i) => {
    if (draw === "any") return any();
    return draw === "best" || (draw === "turns" && i % 2 === 0) ? best() : worst();
  });
}

/** `count` lognormal numbers of mean 1. */
function lognormal(count: number, sigma: number, random: Random): Float64Array {
  return Float64Array.from({ length: count }, () => {
    // Box and Muller
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    return Math.exp(sigma * normal - sigma ** 2 / 2);
  });
}
