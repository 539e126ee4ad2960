import { expect, it } from "vitest";
import { TokenHistory } from "./token-history.ts";

it("keeps tokens by their position, whatever is written over or behind them", () => {
  const history = new TokenHistory();
  const text = Array.from({ length: 300 }, (_, i) => i * 3);
  history.write(0, text);
  history.write(100, [7, 8]);
  history.repeat(299, 2);
  expect([...history.values.subarray(0, 302)]).toEqual([...text.slice(0, 100), 7, 8, ...text.slice(102), 897, 897]);
});
