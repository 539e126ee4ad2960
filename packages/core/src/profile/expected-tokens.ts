/**
 * Tokens that a forward of n positions is expected to bring where each draft token is accepted with probability a, given that those
 * before it were: E(n) = sum of a^k for k < n = (1 - a^n) / (1 - a) (Leviathan et al., arXiv 2211.17192, eq. 1, with n - 1 draft tokens).
 *
 * @param positions n, at least 1: the draft tokens and the one before them.
 * @param acceptance a, in [0, 1].
 */
export function expectedTokens(positions: number, acceptance: number): number {
  return acceptance === 1 ? positions : (1 - acceptance ** positions) / (1 - acceptance);
}
