import { NearfreeError } from "@nearfree/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Safetensors } from "./safetensors.ts";

type Header = Record<string, unknown>;

/** A file of `header`, padded as writers pad it, and `data`. */
function file(header: Header | string, data: Uint8Array): Uint8Array {
  const text = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const out = new Uint8Array(8 + text.length + data.length);
  new DataView(out.buffer).setBigUint64(0, BigInt(text.length), true);
  out.set(text, 8);
  out.set(data, 8 + text.length);
  return out;
}

const entry = (dtype: string, shape: number[], begin: number, end: number) => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});

describe("Safetensors", () => {
  it("decodes fp32, fp16 and bfloat16, wherever they lie", () => {
    // 1.5, -2, the smallest fp16 subnormal, infinity; 1.5 and -2 in bfloat16.
    const data = Uint8Array.of(
      9,
      0x00,
      0x3e,
      0x00,
      0xc0,
      0x01,
      0x00,
      0x00,
      0x7c,
      0xc0,
      0x3f,
      0x00,
      0xc0,
      0,
      0,
      0xc0,
      0x3f,
    );
    const header = {
      __metadata__: { format: "pt" },
      half: entry("F16", [2, 2], 1, 9),
      brain: entry("BF16", [2], 9, 13),
      single: entry("F32", [1], 13, 17),
    };
    const tensors = new Safetensors("a.safetensors", file(header, data));
    expect(tensors.names).toEqual(["half", "brain", "single"]);
    expect(tensors.read("half", [2, 2])).toEqual(Float32Array.of(1.5, -2, 2 ** -24, Number.POSITIVE_INFINITY));
    expect(tensors.read("brain", [2])).toEqual(Float32Array.of(1.5, -2));
    expect(tensors.read("single", [1])).toEqual(Float32Array.of(1.5));
  });

  it("reads the values that were written", () => {
    fc.assert(
      fc.property(fc.float32Array({ noNaN: true }), (values) => {
        const data = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
        const header = { x: entry("F32", [values.length], 0, data.length) };
        const tensors = new Safetensors("x", file(header, data));
        expect(tensors.read("x", [values.length])).toEqual(values);
      }),
    );
  });

  const good = file({ x: entry("F32", [2], 0, 8) }, new Uint8Array(8));
  const bad: [string, Uint8Array, string][] = [
    ["too short", good.subarray(0, 5), "expected a header length that fits the file, received a file too short"],
    ["a header longer than the file", good.subarray(0, 20), "expected a header length that fits the file"],
    ["no JSON", file("not json", new Uint8Array(0)), 'expected a JSON header, received "not json"'],
    ["a JSON list", file("[1]", new Uint8Array(0)), "expected a JSON object as header"],
    ["truncated data", good.subarray(0, good.length - 1), "7 bytes: the file is truncated"],
    [
      "an unknown dtype",
      file({ x: entry("I64", [1], 0, 8) }, new Uint8Array(8)),
      "dtype F32 or F16 or BF16, received I64",
    ],
    ["offsets against the shape", file({ x: entry("F32", [3], 0, 8) }, new Uint8Array(8)), "expected 12 bytes"],
    ["negative offsets", file({ x: entry("F32", [2], -8, 0) }, new Uint8Array(8)), "two data offsets"],
    ["a shape that is none", file({ x: { dtype: "F32", shape: ["a"] } }, new Uint8Array(0)), "non-negative integers"],
    ["an entry that is none", file({ x: 3 }, new Uint8Array(0)), "expected an object, received number"],
  ];
  for (const [name, bytes, message] of bad) {
    it(`refuses ${name} in one line`, () => {
      const open = () => new Safetensors("x.safetensors", bytes);
      expect(open).toThrow(NearfreeError);
      expect(open).toThrow(message);
      expect(open).toThrow(/^\[examples\] x\.safetensors[^\n]*$/);
    });
  }

  it("refuses a missing tensor and another shape", () => {
    const tensors = new Safetensors("x.safetensors", good);
    expect(() => tensors.read("y", [2])).toThrow("tensor y: expected shape [2], received none");
    expect(() => tensors.read("x", [1, 2])).toThrow("tensor x: expected shape [1, 2], received [2]");
  });

  it("throws nothing but its own error on damaged files", () => {
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.integer({ min: 0, max: 255 }), (at, value) => {
        const damaged = good.slice();
        damaged[at] = value;
        try {
          const tensors = new Safetensors("x", damaged);
          for (const name of tensors.names) tensors.read(name, [2]);
        } catch (error) {
          expect(error).toBeInstanceOf(NearfreeError);
        }
      }),
    );
  });
});
