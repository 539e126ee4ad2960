/** A length-delimited field of an ONNX file: tag and length, then `start`..`end`; `path` holds the fields around it, outermost first. */
export interface Section {
  readonly tagAt: number;
  readonly lengthAt: number;
  readonly start: number;
  readonly end: number;
  readonly path: readonly Section[];
}

/** Which fields of a message are messages again: field numbers of onnx.proto. */
interface Shape {
  readonly [field: number]: Shape;
}
const LEAF: Shape = {};
const TENSOR: Shape = { 13: LEAF };
const VALUE: Shape = { 2: { 1: { 2: { 1: LEAF } } } };
const ATTRIBUTE: Shape = { 5: TENSOR };
const NODE: Shape = { 5: ATTRIBUTE };
const MODEL: Shape = { 7: { 1: NODE, 5: TENSOR, 11: VALUE, 12: VALUE, 13: VALUE }, 8: LEAF, 25: { 7: NODE } };

/** Every length-delimited field of the model in `bytes`, strings and lists too. */
export function wireSections(bytes: Uint8Array): Section[] {
  const found: Section[] = [];
  visit(bytes, { start: 0, end: bytes.length, shape: MODEL, path: [] }, found);
  return found;
}

interface Message {
  readonly start: number;
  readonly end: number;
  readonly shape: Shape;
  readonly path: readonly Section[];
}

function visit(bytes: Uint8Array, { start, end, shape, path }: Message, found: Section[]): void {
  let at = start;
  while (at < end) {
    const tagAt = at;
    const tag = readVarint(bytes, at);
    const field = Math.floor(tag.value / 8);
    at = tag.next;
    const wire = tag.value % 8;
    if (wire === 0) at = readVarint(bytes, at).next;
    else if (wire === 1) at += 8;
    else if (wire === 5) at += 4;
    else {
      const lengthAt = at;
      const length = readVarint(bytes, at);
      const section: Section = { tagAt, lengthAt, start: length.next, end: length.next + length.value, path };
      found.push(section);
      const inner = shape[field];
      if (inner !== undefined) visit(bytes, { ...section, shape: inner, path: [...path, section] }, found);
      at = section.end;
    }
  }
}

function readVarint(bytes: Uint8Array, at: number): { readonly value: number; readonly next: number } {
  let value = 0;
  let scale = 1;
  let next = at;
  for (;;) {
    const byte = bytes[next++] ?? 0;
    value += (byte & 127) * scale;
    if (byte < 128) return { value, next };
    scale *= 128;
  }
}

/** `value` as a varint. */
export function varint(value: number): Uint8Array {
  const out: number[] = [];
  let rest = value;
  while (rest >= 128) {
    out.push((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  return Uint8Array.from([...out, rest]);
}

/** Puts `inserted` behind `section`, and corrects the lengths of all that is around it. */
export function insertAfter(bytes: Uint8Array, section: Section, inserted: Uint8Array): Uint8Array {
  return insertInto(bytes, section.path, section.end, inserted);
}

/** Puts `inserted` at `at`, inside the innermost field of `path`, and corrects the lengths of `path`. */
export function insertInto(bytes: Uint8Array, path: readonly Section[], at: number, inserted: Uint8Array): Uint8Array {
  let content: Uint8Array = inserted;
  let [from, to] = [at, at];
  for (const around of path.toReversed()) {
    content = joined(bytes.subarray(around.start, from), content, bytes.subarray(to, around.end));
    content = joined(bytes.subarray(around.tagAt, around.lengthAt), varint(content.length), content);
    [from, to] = [around.tagAt, around.end];
  }
  return joined(bytes.subarray(0, from), content, bytes.subarray(to));
}

export function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
