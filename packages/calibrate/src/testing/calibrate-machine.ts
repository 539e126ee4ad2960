import { type Measurement, parseProfile } from "@nearfree/core";
import { sampleProfile } from "@nearfree/core/test";
import { expect } from "vitest";
import { calibrate } from "../measure/calibrate.ts";
import type { CalibrateOptions } from "../measure/options.ts";
import { createSyntheticMachine, type SyntheticMachineOptions } from "./synthetic-machine.ts";

export const CELL = { contextLength: 256, batch: 1 };

/** Calibrates a synthetic machine, seeded as the machine is. */
export async function calibrateMachine(
  machine: SyntheticMachineOptions,
  options: Partial<CalibrateOptions> = {},
): Promise<Measurement> {
  const { probe, clock } = createSyntheticMachine(machine);
  const measurement = await calibrate(probe, { clock, cell: CELL, seed: machine.seed ?? 1, ...options });
  // Whatever happened, it can be stored.
  expect(parseProfile({ ...sampleProfile(), ...measurement })).toBeDefined();
  return measurement;
}
