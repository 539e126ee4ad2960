/** Characters of a message that are kept: what went wrong stands in front, what follows is for ONNX Runtime's own developers. */
const LONGEST = 200;

const NODE = /^Non-zero status code returned while running (\S+) node\. ?(?:Name:'([^']*)')? ?(?:Status Message: )?/;
/** Path, line and signature that a failed check prints before its own words. */
const PLACE = /\/\S+\.(?:cc|h|cpp|cu):\d+ .*?(?:(?=\[ONNXRuntimeError\])|(?=\S+ was false))/;
const STATUS = /\[ONNXRuntimeError\] : \d+ : \w+ : /;

/** What ONNX Runtime threw, in one line of a length that can be read: node and reason, without source paths and stacks. */
export function ortMessage(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause);
  const line = text
    .trim()
    .split(/\n|Stacktrace:/)[0]!
    .replace(/^\[ONNXRuntimeError\] : \d+ : \w+ : /, "")
    .replace(NODE, (_, operator: string, name?: string) => (name ? `${operator} ${name}: ` : `${operator}: `))
    .replace(PLACE, "")
    .replace(STATUS, "")
    .replace(/\s+/g, " ")
    .trim();
  if (line === "") return "an error without a message";
  return line.length > LONGEST ? `${line.slice(0, LONGEST)}...` : line;
}
