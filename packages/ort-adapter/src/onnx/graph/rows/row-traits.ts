/**
 * What a graph says of the rows of one forward: whether several rows can equal the same rows run one at a time, and where not.
 * Read from the graph (and its config), since a few rows that happen to agree prove nothing.
 */
export interface RowTraits {
  /**
   * Ascending lengths of the KV cache at which the graph itself changes, such as the switch of a LongRoPE table: the position at index
   * `wall` is the first on the other side, and no forward may hold positions of both sides.
   */
  readonly walls: readonly number[];
  /** Positions that the narrowest attention window of the graph or its config keeps; undefined where every position is kept. */
  readonly window: number | undefined;
  /** Why a row depends on the rows beside it (one activation scale for all of them), in words; undefined where none does. */
  readonly dependence: string | undefined;
  /** Which kernels may differ between row counts by more than fp32 rounding (MatMulNBits at accuracy level 4, float16), in words. */
  readonly coarse: string | undefined;
  /**
   * Those of them that round what they give to so few bits that most differences do not show (float16, static int8): rows that agree
   * prove little, in words.
   */
  readonly hidden?: string | undefined;
  /**
   * Why the rounding of a row depends on how many positions and rows its forward had, in words: no two numbers of rows have the same bits
   * at every length, whatever a comparison at some lengths says.
   */
  readonly unsteady?: string | undefined;
}
