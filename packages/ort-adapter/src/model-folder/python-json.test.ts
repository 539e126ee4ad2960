import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parsePythonJson } from "./python-json.ts";

/** `json.dumps` of Python, with the numbers that it has and JSON lacks. */
function dumps(value: unknown): string {
  if (typeof value === "number") return Object.is(value, -0) ? "-0.0" : String(value);
  if (Array.isArray(value)) return `[${value.map(dumps).join(", ")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([key, part]) => `${JSON.stringify(key)}: ${dumps(part)}`)
    .join(", ")}}`;
}

const words = fc.oneof(
  fc.constantFrom("NaN", '"NaN"', '\\"NaN', "NaN_", "-Infinity", ": NaN, ", "\\", '"', "[Infinity]", "\\\\"),
  fc.string(),
);
const texts = fc.array(words, { maxLength: 4 }).map((parts) => parts.join(""));
const numbers = fc.oneof(fc.double(), fc.constantFrom(Number.NaN, Infinity, -Infinity), fc.integer());
const { values } = fc.letrec((tie) => ({
  values: fc.oneof(
    { maxDepth: 4 },
    numbers,
    texts,
    fc.constantFrom(null, true, false),
    fc.array(tie("values"), { maxLength: 5 }),
    fc.dictionary(
      texts.filter((key) => key !== "__proto__"),
      tie("values"),
      { maxKeys: 5, noNullPrototype: true },
    ),
  ),
}));

describe("parsePythonJson", () => {
  it("reads what Python writes, strings as they are", () => {
    fc.assert(
      fc.property(values, fc.boolean(), (value, mark) => {
        expect(parsePythonJson(`${mark ? "\uFEFF" : ""}${dumps(value)}`)).toEqual(value);
      }),
      { numRuns: 2000 },
    );
  });

  it("reads each of Python's numbers, wherever a value may stand", () => {
    expect(parsePythonJson('{"a": [NaN, -Infinity, Infinity], "NaN": "NaN", "b": NaN}')).toEqual({
      a: [Number.NaN, -Infinity, Infinity],
      NaN: "NaN",
      b: Number.NaN,
    });
    expect(parsePythonJson("\uFEFFNaN")).toBeNaN();
    expect(parsePythonJson('["NaN", "\\u004eaN", "NaN_", NaN]')).toEqual(["NaN", "NaN", "NaN_", Number.NaN]);
  });

  it("refuses what Python's json refuses", () => {
    const bad = [
      "",
      "{",
      "nan",
      "-NaN",
      "+Infinity",
      "1Infinity",
      "Infinity5",
      "NaN.5",
      "[NaN Infinity]",
      "[NaN,]",
      "x",
    ];
    for (const text of [...bad, "{NaN: 1}", '"NaN', "[1.Infinity]", "--Infinity", "inf", "[-1-Infinity]"]) {
      expect(() => parsePythonJson(text), text).toThrow(SyntaxError);
    }
  });

  it("takes a long string in one step", () => {
    const long = '\\n\\"NaN '.repeat(2_000_000);
    expect(parsePythonJson(`["${long}", NaN]`)).toHaveLength(2);
  });
});
