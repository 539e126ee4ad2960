/** Share of fresh samples below the threshold that the alternatives bet on. */
const BETS = [0.6, 0.7, 0.8, 0.9, 0.95, 0.99] as const;

/**
 * Anytime-valid test of "the median is at or above the threshold", from the signs of fresh samples alone: no assumption on the
 * noise but that its median is 0. The evidence is a mixture of bets, each a martingale under the hypothesis, so it exceeds 1/alpha
 * with probability at most alpha however often it is looked at (Ville's inequality; Ramdas et al. 2023, "Game-theoretic
 * statistics and safe anytime-valid inference").
 */
export class SignTest {
  readonly #threshold: number;
  readonly #wealth: number[] = BETS.map(() => 1);
  samples = 0;

  constructor(threshold: number) {
    this.#threshold = threshold;
  }

  add(sample: number): void {
    this.samples++;
    const below = sample < this.#threshold;
    BETS.forEach((bet, i) => {
      this.#wealth[i]! *= 2 * (below ? bet : 1 - bet);
    });
  }

  /** Evidence against the hypothesis: 1 at first; 1/alpha rejects it at level alpha. */
  get evidence(): number {
    return this.#wealth.reduce((sum, wealth) => sum + wealth, 0) / BETS.length;
  }
}
