import type { ObservableScheduler, SchedulerEvent } from "../contracts/observable-scheduler.ts";
import type { PlanReason } from "../contracts/plan.ts";

/** What is used of an OpenTelemetry `Meter` (`@opentelemetry/api`): whoever has one passes it in, and nobody else needs the package. */
export interface MeterLike {
  createCounter(name: string, options?: InstrumentOptions): { add(value: number, attributes?: Attributes): void };
  createHistogram(name: string, options?: InstrumentOptions): { record(value: number, attributes?: Attributes): void };
}

interface InstrumentOptions {
  readonly description?: string;
  readonly unit?: string;
}

type Attributes = Record<string, string | number | boolean>;

/** Records what `scheduler` does as metrics, from now on. Returns what ends it. `attributes` are put on every point (a model's name). */
export function recordMetrics(
  scheduler: ObservableScheduler,
  meter: MeterLike,
  attributes: Attributes = {},
): () => void {
  const counter = (name: string, description: string, unit: string) => meter.createCounter(name, { description, unit });
  const histogram = (name: string, description: string, unit: string) =>
    meter.createHistogram(name, { description, unit });
  const forwards = counter("nearfree.forwards", "Forwards, by the reason of their plan", "{forward}");
  const tokens = counter("nearfree.tokens", "Tokens emitted", "{token}");
  const proposed = counter("nearfree.draft.verified", "Draft tokens verified", "{token}");
  const accepted = counter("nearfree.draft.accepted", "Draft tokens that stood", "{token}");
  const drifts = counter("nearfree.drift", "Times that costs left the profile, or came back", "{change}");
  const positions = histogram("nearfree.positions", "Positions of a forward", "{position}");
  const duration = histogram("nearfree.forward.duration", "Duration of a forward", "ms");
  const expected = histogram("nearfree.forward.expected", "Duration that was expected of it", "ms");
  // By reason: made once, and then reused.
  const byReason = new Map<PlanReason, Attributes>();
  const reasonOf = (reason: PlanReason) => {
    const known = byReason.get(reason) ?? { ...attributes, reason };
    byReason.set(reason, known);
    return known;
  };
  return scheduler.subscribe((event: SchedulerEvent) => {
    if (event.type === "drift") {
      drifts.add(1, { ...attributes, stale: event.stale });
      return;
    }
    const { plan, outcome } = event;
    forwards.add(1, reasonOf(plan.reason));
    tokens.add(outcome.emitted, attributes);
    if (plan.positions > 1) proposed.add(plan.positions - 1, attributes);
    if (outcome.emitted > 1) accepted.add(outcome.emitted - 1, attributes);
    positions.record(plan.positions, attributes);
    if (outcome.forwardMs > 0) duration.record(outcome.forwardMs, attributes);
    if (plan.expectedMs > 0) expected.record(plan.expectedMs, attributes);
  });
}
