import { describe, expect, it } from "vitest";
import { compareEverywhere } from "./compare-rows.ts";
import { InvarianceRecorder } from "./invariance.ts";
import { Meter } from "./meter.ts";

/** Columns of which 32 rows are proof enough of kernels that hide what they do. */
const COLUMNS = 1 << 12;
const HIDING = { coarse: "int8", hidden: "int8" };
const SINGLES = { most: 64, hinted: false };

/** Rows of zeros, those of single forwards `shift` away; what ran, by place. */
function scripted({ shift, furtherPlaces }: { shift: number; furtherPlaces: number }) {
  const ran: string[] = [];
  const rows = {
    columns: COLUMNS,
    places: 1,
    furtherPlaces,
    async together(n: number, place = 0) {
      ran.push(`${n} at ${place}`);
      return new Float32Array(n * COLUMNS);
    },
    async singly(count: number, place = 0) {
      ran.push(`singly at ${place}`);
      return new Float32Array(count * COLUMNS).fill(shift);
    },
  };
  return { rows, ran };
}

function meterOf(abort?: AbortSignal): Meter {
  const probe = { maxPositions: 64, prepare: () => {}, run: async () => {} };
  return new Meter(probe, () => 0, { forwards: 1, ms: 1_000 }, abort);
}

describe("compareEverywhere, of kernels that hide most differences", () => {
  it("goes to further places until the narrowest n has proof, and no further", async () => {
    const { rows, ran } = scripted({ shift: 1, furtherPlaces: 40 });
    const recorder = new InvarianceRecorder(HIDING);
    await compareEverywhere(recorder, rows, meterOf(), [2, 4, 8], SINGLES);
    expect(recorder.result().classes).toEqual([[1], [2, 4, 8]]);
    // Two rows a place: sixteen places. Single rows that agree with none are compared once.
    expect(ran.filter((what) => what.startsWith("2 at"))).toHaveLength(16);
    expect(ran.filter((what) => what.startsWith("singly"))).toHaveLength(1);
  });

  it("compares single rows everywhere while they agree", async () => {
    const { rows, ran } = scripted({ shift: 0, furtherPlaces: 40 });
    const recorder = new InvarianceRecorder(HIDING);
    await compareEverywhere(recorder, rows, meterOf(), [2, 4], SINGLES);
    expect(recorder.result().classes).toEqual([[1, 2, 4]]);
    expect(ran.filter((what) => what.startsWith("singly"))).toHaveLength(16);
  });

  it("leaves alone what the places do not suffice for", async () => {
    const { rows } = scripted({ shift: 1, furtherPlaces: 7 });
    const recorder = new InvarianceRecorder(HIDING);
    await compareEverywhere(recorder, rows, meterOf(), [2, 4, 8, 16], SINGLES);
    expect(recorder.result().classes).toEqual([[1], [2], [4, 8, 16]]);
  });

  it("an interrupt in the middle of a further place leaves what was proved before", async () => {
    const { rows } = scripted({ shift: 1, furtherPlaces: 40 });
    const abort = new AbortController();
    const { together } = rows;
    rows.together = async (n: number, place = 0) => {
      if (place === 8 && n === 4) abort.abort();
      return together(n, place);
    };
    const recorder = new InvarianceRecorder(HIDING);
    await expect(compareEverywhere(recorder, rows, meterOf(abort.signal), [2, 4, 8], SINGLES)).rejects.toThrow();
    expect(recorder.result().classes).toEqual([[1], [2], [4, 8]]);
  });

  it("no further place is looked at where kernels hide nothing", async () => {
    const { rows, ran } = scripted({ shift: 1, furtherPlaces: 40 });
    await compareEverywhere(new InvarianceRecorder({}), rows, meterOf(), [2, 4], SINGLES);
    expect(ran).toEqual(["singly at 0", "2 at 0", "4 at 0"]);
  });
});
