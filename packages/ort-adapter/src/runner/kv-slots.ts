import type { DeclaredKvSlot } from "./decoder-io.ts";
import type { IoTemplates } from "./io-templates.ts";
import { ANOTHER_EXPORT, describeValue, fixedDim, listNames, refuse, type Value, type Values } from "./io-values.ts";

/** The packed layouts of exporters that came before key and value had names of their own. */
const PACKED = [
  ["past_key_values.%d", "present.%d"],
  ["past.%d", "present.%d"],
] as const;

/**
 * The cache tensors of every layer in ascending order, from names, types and shapes.
 * @throws NearfreeError `unsupported-model`, naming the offender
 */
export function resolveKvSlots(inputs: Values, outputs: Values, names: IoTemplates): DeclaredKvSlot[] {
  const layers = layersOf(inputs, names.pastKey);
  if (layers.length > 0) {
    return layers.flatMap((layer) => [
      kvSlot(inputs, outputs, fill(names.pastKey, layer), fill(names.presentKey, layer)),
      kvSlot(inputs, outputs, fill(names.pastValue, layer), fill(names.presentValue, layer)),
    ]);
  }
  for (const [past, present] of [[names.past, names.present], ...PACKED] as const) {
    const packed = layersOf(inputs, past);
    if (packed.length > 0) {
      return packed.map((layer) => kvSlot(inputs, outputs, fill(past, layer), fill(present, layer)));
    }
  }
  return refuse(
    "KV cache",
    `inputs like ${fill(names.pastKey, "0")}`,
    `inputs ${listNames([...inputs.keys()])}`,
    "export the model with its past (use_cache)",
  );
}

function layersOf(inputs: Values, template: string): string[] {
  const pattern = layerPattern(template);
  return [...inputs.keys()]
    .map((name) => pattern.exec(name)?.[1])
    .filter((layer) => layer !== undefined)
    .sort((a, b) => Number(a) - Number(b));
}

function kvSlot(inputs: Values, outputs: Values, past: string, present: string): DeclaredKvSlot {
  const value = inputs.get(past);
  if (value === undefined) refuse(`input ${past}`, "a value beside every key", "no such input", ANOTHER_EXPORT);
  const output = outputs.get(present);
  if (output === undefined) refuse(`output ${present}`, `the counterpart of ${past}`, "no such output", ANOTHER_EXPORT);
  const { type } = value;
  if (type !== "float32" && type !== "float16") {
    const remedy = "export the model without a quantised cache";
    refuse(`input ${past}`, "a float32 or float16 KV cache", describeValue(value), remedy);
  }
  if (output.type !== type) refuse(`output ${present}`, type, output.type, ANOTHER_EXPORT);
  const { heads, headDim, packed } = sizesOf(value);
  return { past, present, type, heads, headDim, ...(packed && { packed }) };
}

/** Sizes as they are declared; what is a symbol is left to a run. */
function sizesOf(value: Value): Pick<DeclaredKvSlot, "heads" | "headDim" | "packed"> {
  const { name, shape } = value;
  const packed = shape.length === 5 && shape[0] === 2;
  const [batch, heads, sequence, headDim] = (packed ? shape.slice(1) : shape).map(fixedDim);
  // A number in third place without one in second is a layout with the heads elsewhere.
  if ((shape.length !== 4 && !packed) || (sequence !== undefined && heads === undefined)) {
    const expected = "[batch, heads, sequence, head size], or [2, batch, heads, sequence, head size]";
    refuse(`input ${name}`, expected, describeValue(value), ANOTHER_EXPORT);
  }
  if ((batch ?? 1) > 1) refuse(`input ${name}`, "a batch of 1", describeValue(value), ANOTHER_EXPORT);
  if (sequence !== undefined) {
    const remedy = "export it without a window or static cache";
    refuse(`input ${name}`, "a KV cache whose length is free", describeValue(value), remedy);
  }
  return { heads: packed && heads !== undefined ? 2 * heads : heads, headDim, packed };
}

function layerPattern(template: string): RegExp {
  const [before = "", after = ""] = template.split("%d").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${before}(\\d+)${after}$`);
}

function fill(template: string, layer: string): string {
  return template.replace("%d", () => layer);
}
