import { classifyIo } from "../classify-io.ts";
import type { Values } from "../constants.ts";
import type { FlatGraph } from "../flatten.ts";
import { attentionWindow } from "./attention-window.ts";
import { coarseKernels } from "./coarse-kernels.ts";
import { LengthValues } from "./length-values.ts";
import { type LengthEffects, lengthEffects } from "./length-walls.ts";
import { rowDependence } from "./row-dependence.ts";
import type { RowTraits } from "./row-traits.ts";

/** What the files beside a graph say of its rows. */
export interface RowConfig {
  /** Positions of the narrowest sliding window. */
  readonly window?: number | undefined;
  /** Longest text for which LongRoPE takes its short table. */
  readonly longRopeSwitch?: number | undefined;
}

/**
 * What the graph of a decoder says of the rows of a forward; its config fills in what the graph leaves open. `graph` is the whole
 * one, with every branch: any of them may run.
 */
export function readRowTraits(graph: FlatGraph, values: Values, config: RowConfig = {}): RowTraits {
  const io = classifyIo(graph.inputs, graph.outputs);
  const effects = lengthEffects(graph, values, new LengthValues(graph, values, io));
  const windows = [attentionWindow(graph), config.window].filter((size) => size !== undefined);
  return {
    walls: wallsOf(effects, config),
    window: windows.length === 0 ? undefined : Math.min(...windows),
    dependence: rowDependence(graph, values, io) ?? lengthDependence(effects, config),
    ...coarseKernels(graph, values, io),
  };
}

function wallsOf({ walls, hiddenSwitch }: LengthEffects, { longRopeSwitch }: RowConfig): readonly number[] {
  if (!hiddenSwitch || longRopeSwitch === undefined || walls.includes(longRopeSwitch)) return walls;
  return [...walls, longRopeSwitch].sort((a, b) => a - b);
}

function lengthDependence({ hiddenSwitch, moving }: LengthEffects, config: RowConfig): string | undefined {
  if (moving) return "a factor that follows the length of the whole text (dynamic NTK)";
  const unknown = hiddenSwitch && config.longRopeSwitch === undefined;
  return unknown ? "a switch on the length of the whole text at a place that no file names" : undefined;
}
