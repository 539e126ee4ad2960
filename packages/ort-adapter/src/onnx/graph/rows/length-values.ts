import type { Node } from "../../model.ts";
import { intAttribute } from "../attributes.ts";
import type { IoClasses } from "../classify-io.ts";
import type { Values } from "../constants.ts";
import type { FlatGraph } from "../flatten.ts";
import { lengthInputs } from "./length-inputs.ts";
import { elementwise, isElementwise } from "./length-operators.ts";
import { constantValue, type LengthValue, product, sum, TOTAL } from "./length-value.ts";

/** Longer constants are no lengths. */
const MAX_ELEMENTS = 16;
/** A number that takes more to compute is given up, and comparisons beyond so many are not tried out. */
const MAX_OPERATIONS = 64;
const MAX_TRIALS = 8;
/** Operators behind which a mask, a row of positions or a single number is still what it was. */
const SAME = new Set(["Identity", "Cast", "Unsqueeze", "Squeeze", "Reshape", "Expand", "Flatten"]);

type Elements = readonly (LengthValue | undefined)[];

/** Finds the numbers of a graph that follow from the lengths of cache and forward alone: shapes, sums of the mask, the last position. */
export class LengthValues {
  readonly #values: Values;
  readonly #elements = new Map<string, Elements>();
  readonly #shapes: Map<string, Elements>;
  readonly #masks: Set<string>;
  /** The last entry of values that hold a row of positions. */
  readonly #positions = new Map<string, LengthValue>();
  readonly #trials = { left: MAX_TRIALS };

  constructor(graph: FlatGraph, values: Values, io: IoClasses) {
    this.#values = values;
    const inputs = lengthInputs(graph.inputs, io);
    this.#shapes = new Map(inputs.shapes);
    this.#masks = new Set(inputs.masks);
    for (const name of inputs.positions) this.#positions.set(name, sum(TOTAL, constantValue(1), -1));
    for (const node of graph.nodes) this.#visit(node);
  }

  /** The elements of a number or short vector; undefined where it is none that lengths tell. */
  elements(value: string): Elements | undefined {
    const known = this.#elements.get(value);
    if (known !== undefined || value === "") return known;
    const numbers = this.#values.numbers(value);
    return numbers === undefined || numbers.length > MAX_ELEMENTS ? undefined : numbers.map(constantValue);
  }

  #visit(node: Node): void {
    const [output = ""] = node.outputs;
    const [first = ""] = node.inputs;
    if (SAME.has(node.opType)) {
      if (this.#masks.has(first)) this.#masks.add(output);
      const last = this.#positions.get(first);
      if (last !== undefined) this.#positions.set(output, last);
      const shape = this.#shapes.get(first);
      if (shape !== undefined && (node.opType === "Identity" || node.opType === "Cast")) {
        this.#shapes.set(output, shape);
      }
    }
    this.#followPositions(node, output);
    const shape = node.opType === "Gather" ? this.#embeddedShape(node) : undefined;
    if (shape !== undefined) this.#shapes.set(output, shape);
    if (node.opType === "If") this.#choose(node);
    const found = this.#evaluate(node);
    if (found !== undefined && found.length <= MAX_ELEMENTS) this.#elements.set(output, found);
  }

  /** Each result of an If, of its condition and what the branches give. */
  #choose(node: Node): void {
    const count = node.outputs.length;
    node.outputs.forEach((output, i) => {
      const inputs = [0, 1 + i, 1 + count + i].map((place) => node.inputs[place] ?? "");
      const found = this.#elementwise({ ...node, opType: "Where", inputs, outputs: [output] });
      if (found !== undefined) this.#elements.set(output, found);
    });
  }

  /** Rows of positions: a running sum of the mask, a range, either moved by a number. */
  #followPositions({ opType, inputs }: Node, output: string): void {
    const [a = "", b = ""] = inputs;
    if (opType === "CumSum" && this.#masks.has(a)) this.#positions.set(output, TOTAL);
    if (opType === "Range") {
      const end = this.#single(b);
      if (end !== undefined) this.#positions.set(output, sum(end, constantValue(1), -1));
    }
    if (opType !== "Add" && opType !== "Sub") return;
    const last = this.#positions.get(a);
    const by = this.#single(b);
    if (last !== undefined && by !== undefined) this.#positions.set(output, sum(last, by, opType === "Add" ? 1 : -1));
    const other = opType === "Add" ? this.#positions.get(b) : undefined;
    const moved = this.#single(a);
    if (other !== undefined && moved !== undefined) this.#positions.set(output, sum(moved, other, 1));
  }

  /** Of an embedding: the shape of the tokens, and its width. */
  #embeddedShape({ inputs }: Node): Elements | undefined {
    const [table = "", ids = ""] = inputs;
    const width = this.#values.constant(table)?.dims.at(-1);
    const shape = this.#shapes.get(ids);
    return width === undefined || shape === undefined ? undefined : [...shape, constantValue(width)];
  }

  #evaluate(node: Node): Elements | undefined {
    const [a = "", b = ""] = node.inputs;
    switch (node.opType) {
      case "Shape":
        return this.#shapes.get(a)?.slice(intAttribute(node, "start") ?? 0, intAttribute(node, "end"));
      case "Size":
        return this.#size(a);
      case "ReduceSum":
        return this.#masks.has(a) ? [TOTAL] : undefined;
      case "ReduceMax":
        return this.#positions.has(a) ? [this.#positions.get(a)] : undefined;
      case "Gather":
        return this.#gather(a, b);
      case "Slice":
        return this.#slice(node);
      case "Concat":
        return this.#concat(node.inputs);
    }
    if (SAME.has(node.opType) && node.opType !== "Cast") return this.elements(a);
    return isElementwise(node.opType) ? this.#elementwise(node) : undefined;
  }

  #size(value: string): Elements | undefined {
    const dims = this.#shapes.get(value);
    if (dims === undefined || dims.includes(undefined)) return undefined;
    return [dims.reduce<LengthValue>((size, dim) => product(size, dim!), constantValue(1))];
  }

  #gather(data: string, indices: string): Elements | undefined {
    const places = this.#values.numbers(indices);
    if (places === undefined) return undefined;
    const last = this.#positions.get(data);
    if (last !== undefined && places.length === 1 && places[0] === -1) return [last];
    const elements = this.elements(data);
    return elements && places.map((place) => elements.at(place));
  }

  #slice({ inputs }: Node): Elements | undefined {
    const elements = this.elements(inputs[0] ?? "");
    const bound = (i: number) => this.#values.numbers(inputs[i] ?? "")?.[0];
    const [start, end] = [bound(1), bound(2)];
    if (elements === undefined || start === undefined || end === undefined || (bound(4) ?? 1) !== 1) return undefined;
    return elements.slice(start, end);
  }

  #concat(inputs: readonly string[]): Elements | undefined {
    const parts = inputs.map((input) => this.elements(input));
    return parts.includes(undefined) ? undefined : parts.flatMap((part) => part!);
  }

  #elementwise(node: Node): Elements | undefined {
    const operands = node.inputs.map((input) => this.elements(input));
    if (operands.length === 0 || operands.includes(undefined)) return undefined;
    const length = operands.reduce((most, operand) => Math.max(most, operand!.length), 0);
    const whole = /^u?int/.test(this.#values.type(node.outputs[0] ?? "") ?? "");
    return Array.from({ length }, (_, i) => {
      const values = operands.map((operand) => operand![operand!.length === 1 ? 0 : i]);
      if (values.includes(undefined)) return undefined;
      const found = elementwise(node.opType, values as LengthValue[], whole, this.#trials);
      return found.operations > MAX_OPERATIONS ? undefined : found;
    });
  }

  #single(value: string): LengthValue | undefined {
    const elements = this.elements(value);
    return elements?.length === 1 ? elements[0] : undefined;
  }
}
