// The beginning of a string, or a number that only Python writes, as a value and not as part of something else.
const QUOTE_OR_NUMBER = /"|(?<![\w.+-])(?:NaN|-?Infinity)(?![\w.]|\s*:)/g;

/**
 * JSON as Python's `json` writes it: NaN, Infinity and -Infinity are numbers, and a byte order mark may stand in front.
 * @throws SyntaxError where it is no JSON.
 */
export function parsePythonJson(text: string): unknown {
  const json = text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
  try {
    return JSON.parse(json);
  } catch (error) {
    const numbers = pythonNumbers(json);
    if (numbers.length === 0) throw error;
    return parseWith(json, numbers);
  }
}

interface PythonNumber {
  readonly at: number;
  readonly text: string;
}

/** Those outside of strings, in order. */
function pythonNumbers(json: string): PythonNumber[] {
  const found: PythonNumber[] = [];
  const pattern = new RegExp(QUOTE_OR_NUMBER);
  for (let match = pattern.exec(json); match !== null; match = pattern.exec(json)) {
    if (match[0] === '"') pattern.lastIndex = endOfString(json, pattern.lastIndex);
    else found.push({ at: match.index, text: match[0] });
  }
  return found;
}

/** Behind the quote that closes the string whose text begins at `from`. */
function endOfString(json: string, from: number): number {
  for (let quote = json.indexOf('"', from); quote >= 0; quote = json.indexOf('"', quote + 1)) {
    let escapes = 0;
    while (json[quote - 1 - escapes] === "\\") escapes++;
    if (escapes % 2 === 0) return quote + 1;
  }
  return json.length;
}

/** No number of JSON is NaN: a string stands for it, one that is nowhere else. */
function parseWith(json: string, numbers: readonly PythonNumber[]): unknown {
  const wanted = numbers.filter(({ text }) => text === "NaN").length;
  for (let mark = "NaN"; ; mark += "_") {
    let seen = 0;
    const value = JSON.parse(substituted(json, numbers, mark), (_key, part) => {
      if (part !== mark) return part;
      seen++;
      return Number.NaN;
    });
    if (seen === wanted) return value;
  }
}

function substituted(json: string, numbers: readonly PythonNumber[], mark: string): string {
  let out = "";
  let from = 0;
  for (const { at, text } of numbers) {
    // JSON reads what is larger than any double as infinite.
    out += json.slice(from, at) + (text === "NaN" ? `"${mark}"` : text.replace("Infinity", "1e999"));
    from = at + text.length;
  }
  return out + json.slice(from);
}
