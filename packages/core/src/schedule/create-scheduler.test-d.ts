import { expectTypeOf, it } from "vitest";
import type { ObservableScheduler } from "../contracts/observable-scheduler.ts";
import { decode } from "../decode/decode.ts";
import type { DecodeOptions } from "../decode/options.ts";
import type { DecodeStats } from "../decode/stats.ts";
import type { Profile } from "../profile/profile.ts";
import type { SchedulerOptions } from "./create-scheduler.ts";
import { createScheduler } from "./create-scheduler.ts";
import type { Policy } from "./policy/policy.ts";

it("takes the options of the policy that is asked for, and no others", () => {
  expectTypeOf(createScheduler).returns.toEqualTypeOf<ObservableScheduler>();
  expectTypeOf<{ policy: "fixed"; positions: number }>().toExtend<SchedulerOptions>();
  expectTypeOf<{ policy: "latency"; latencyMs: number; profile: Profile }>().toExtend<SchedulerOptions>();
  expectTypeOf<{ policy: Policy; profile: readonly Profile[] }>().toExtend<SchedulerOptions>();
  expectTypeOf<{ profile: Profile | undefined }>().toExtend<SchedulerOptions>();
  expectTypeOf<{ policy: "fixed" }>().not.toExtend<SchedulerOptions>();
  expectTypeOf<{ policy: "latency"; positions: number }>().not.toExtend<SchedulerOptions>();
  expectTypeOf<{ policy: "fastest" }>().not.toExtend<SchedulerOptions>();
});

it("decodes token ids and returns totals; any AbortSignal will do", () => {
  expectTypeOf(decode).returns.toEqualTypeOf<AsyncGenerator<number, DecodeStats, void>>();
  expectTypeOf<AbortSignal>().toExtend<NonNullable<DecodeOptions["signal"]>>();
  expectTypeOf<number[] | Int32Array>().toExtend<DecodeOptions["prompt"]>();
});
