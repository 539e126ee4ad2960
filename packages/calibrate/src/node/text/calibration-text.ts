/**
 * What is fed to a model while it is measured: prose and code, since a mixture of experts routes by content.
 * Only its variety matters, not what it says.
 */
export const CALIBRATION_TEXT = `\
A decode forward reads every weight of the model once, whatever the number of positions it carries. While memory is
the bottleneck, a second position rides along for almost nothing; the arithmetic units were idle anyway. That ends where
the kernels run out of rows, where the caches overflow, or where a different kernel takes over. "How many are free?" is
therefore a question for a stopwatch: the answer differs between a laptop and a server, between float32 and four-bit
weights, and between a short chat and a long document.

export interface Measurement {
  readonly positions: number;
  readonly milliseconds: number;
}

/** Median of a list of numbers; the mean of the middle two where their count is even. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError("median of nothing");
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

async function sweep(run: (positions: number) => Promise<void>, limit = 64): Promise<Measurement[]> {
  const found: Measurement[] = [];
  for (let positions = 1; positions <= limit; positions *= 2) {
    const began = performance.now();
    await run(positions);
    found.push({ positions, milliseconds: performance.now() - began });
  }
  return found;
}

The winter of that year came early to the valley. Snow lay on the roofs before the last apples were in, and the mill
stood still for eleven days because the stream had frozen over. Anna kept the ledger: forty-two sacks of rye, nine of
barley, 3.5 tonnes of hay. "We have had worse," said the miller, who could remember 1956, "and we shall have better."

SELECT city, COUNT(*) AS stations, AVG(temperature) AS mean
FROM readings WHERE taken_at >= '2024-01-01' GROUP BY city HAVING COUNT(*) > 10 ORDER BY mean DESC LIMIT 20;

def fibonacci(n):
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return a

{"id": 7, "name": "tile", "rows": [1, 2, 3, 4, 6, 8, 12, 16, 24, 32], "shared": true, "notes": null}

Les mesures se font par paires : une passe de référence, puis la passe étudiée, puis la référence encore. Was vorher lief,
verändert das Ergebnis um wenige Prozent. 计算的代价取决于内核一次处理的行数。 Each language spends its tokens differently.
`;
