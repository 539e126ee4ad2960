import type { Profile } from "@nearfree/core";
import { hashOf } from "@nearfree/core/measure";
import { formatCount, formatRate } from "./format.ts";
import type { ProfileGroup } from "./group-profiles.ts";
import { type Content, html, type Markup } from "./markup.ts";
import { facts } from "./table.ts";

/** Everything that the profiles of a group hold for: a change in any of these is another measurement. */
export function environmentFacts({ environment, model, profiles }: ProfileGroup): Markup {
  const { device, options } = environment;
  const entries: (readonly [string, Content])[] = [
    ["model", html`<code>${model}</code>`],
    ["runtime", `${environment.runtime} ${environment.runtimeVersion}`],
    ["execution provider", environment.executionProvider],
    ["threads", environment.threads.toString()],
    ["graph optimisation", environment.graphOptimizationLevel],
    ...Object.entries(options).map(([name, value]) => [`option ${name}`, String(value)] as const),
    ...Object.entries(device).map(([name, value]) => [`device ${name}`, String(value)] as const),
    ["method", profiles[0]!.key.method.toString()],
  ];
  return facts("Environment and key", entries);
}

/** The idle-compute baseline and what it was computed from. */
export function baselineFacts({ idleCompute, key }: Profile): Markup {
  return facts("Idle-compute baseline", [
    ["promises", `${formatCount(idleCompute.positions, "position")}, stairs ignored`],
    ["arithmetic", formatRate(idleCompute.flopsPerSecond, "FLOP/s")],
    ["bandwidth", formatRate(idleCompute.bytesPerSecond, "B/s")],
    ["weights", `${idleCompute.bytesPerWeight.toPrecision(3)} bytes each`],
    ["key of the cell", html`<code>${hashOf(key).slice(0, 32)}</code>`],
  ]);
}
