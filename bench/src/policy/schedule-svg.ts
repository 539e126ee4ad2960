import { COLOUR, figureSvg, type Panel } from "@nearfree/calibrate/report";
import { createScheduler } from "@nearfree/core";
import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import { REPLAY_CURVES } from "./curves/replay-curves.ts";
import { createMachine } from "./machine.ts";
import { SchedulerPlayer } from "./player.ts";
import { type ReplayedStep, replay } from "./replay.ts";
import { createStream, type DraftedText } from "./stream.ts";

const CURVE = "cpu-fp32";
const WIDTH = 860;
const STEPS_HEIGHT = 280;
const SHARE_HEIGHT = 150;
const MARGINS = { marginLeft: 56, marginRight: 24, marginBottom: 40 } as const;
/** Forwards that the running share of accepted draft tokens looks back on. */
const WINDOW = 8;

/** A forward in the figure: what it carried, and what came of it. */
interface Drawn extends ReplayedStep {
  readonly end: number;
  /** Share of the verified draft tokens that stood in the last forwards; NaN before any was verified. */
  readonly share: number;
}

/** Chosen n over one recorded text, and the acceptance beside it, as an SVG file. The same text gives the same figure. */
export function scheduleSvg(text: DraftedText): string {
  const curve = REPLAY_CURVES.find(({ name }) => name === CURVE)!;
  const stream = createStream([{ text, from: 0, to: text.drafts.length }], { as: "requests" });
  const machine = createMachine(curve, stream, 1, { profileError: 0 });
  const player = new SchedulerPlayer(createScheduler({ profile: machine.profiles }));
  const steps: ReplayedStep[] = [];
  replay(stream, machine, player, new Float64Array(stream.length).fill(1), (step) => steps.push(step));
  const drawn = steps.map((step, i) => {
    const recent = steps.slice(Math.max(0, i - WINDOW + 1), i + 1);
    const verified = recent.reduce((sum, { positions }) => sum + positions - 1, 0);
    const accepted = recent.reduce((sum, each) => sum + each.accepted, 0);
    return { ...step, end: step.t + step.accepted + 1, share: accepted / verified };
  });
  const title = `Positions of each forward: ${stream.length} tokens in ${steps.length} forwards`;
  return figureSvg({
    document: parseHTML("<!doctype html><html></html>").document,
    standalone: true,
    width: WIDTH,
    height: STEPS_HEIGHT + SHARE_HEIGHT,
    title,
    description: `${title}, on the completion of a held-out prompt (${text.recording.id}), beside the share of draft tokens that stood.`,
    panels: [stepsPanel(drawn, stream.length), sharePanel(drawn, stream.length)],
  }).text;
}

function stepsPanel(drawn: readonly Drawn[], length: number): Panel {
  const top = Math.max(...drawn.map(({ positions }) => positions));
  const box = { x1: "t", x2: "end", y1: () => 0, insetLeft: 0.5, insetRight: 0.5 } as const;
  return {
    y: 0,
    options: {
      ...MARGINS,
      height: STEPS_HEIGHT,
      marginTop: 44,
      x: { domain: [0, length], label: null },
      y: { domain: [0, top], label: "positions n of each forward; filled: tokens that it emitted", labelArrow: "none" },
      marks: [
        Plot.gridY({ stroke: COLOUR.faint, strokeOpacity: 1 }),
        Plot.rect(drawn, { ...box, y2: "positions", stroke: COLOUR.idle, strokeWidth: 1 }),
        Plot.rect(drawn, { ...box, y2: ({ accepted }: Drawn) => accepted + 1, fill: COLOUR.measured }),
        Plot.ruleY([0], { stroke: COLOUR.muted }),
      ],
    },
  };
}

function sharePanel(drawn: readonly Drawn[], length: number): Panel {
  return {
    y: STEPS_HEIGHT,
    options: {
      ...MARGINS,
      height: SHARE_HEIGHT,
      marginTop: 34,
      x: { domain: [0, length], label: "tokens emitted", labelAnchor: "center", labelArrow: "none" },
      y: {
        domain: [0, 1],
        ticks: [0, 0.5, 1],
        label: `share of draft tokens accepted, last ${WINDOW} forwards`,
        labelArrow: "none",
      },
      marks: [
        Plot.gridY([0, 0.5, 1], { stroke: COLOUR.faint, strokeOpacity: 1 }),
        Plot.line(drawn, { x: "end", y: "share", stroke: COLOUR.measured, strokeWidth: 2, curve: "step-before" }),
      ],
    },
  };
}
