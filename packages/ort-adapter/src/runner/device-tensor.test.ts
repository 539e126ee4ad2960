import fc from "fast-check";
import { Tensor } from "onnxruntime-common";
import { describe, expect, it } from "vitest";
import { createGrowingKvCache } from "./cache/growing-kv-cache.ts";
import type { Feeds } from "./cache/kv-cache.ts";
import type { KvSlot } from "./decoder-io.ts";
import { freeOnDevice, onDevice, readBack } from "./device-tensor.ts";

const HEADS = 2;
const SLOTS: readonly KvSlot[] = ["key", "value"].map((part) => ({
  past: `past.${part}`,
  present: `present.${part}`,
  type: "float32",
  heads: HEADS,
  headDim: 1,
}));

/** Tensors as a runtime leaves them on a GPU: their elements come with `getData` only. `live` counts what was not freed. */
function createDevice({ readable = true } = {}) {
  const contents = new Map<Tensor, Float32Array>();
  const live = new Set<Tensor>();
  return {
    live,
    tensor(data: Float32Array, dims: readonly number[]): Tensor {
      const tensor: Tensor = Tensor.fromGpuBuffer({} as never, {
        dataType: "float32",
        dims: [...dims],
        ...(readable && { download: async () => data as never }),
        dispose: () => live.delete(tensor),
      });
      contents.set(tensor, data);
      live.add(tensor);
      return tensor;
    },
    /** What a kernel reads: on the device or, fed from the CPU, in the tensor itself. */
    read: (tensor: Tensor) => (onDevice(tensor) ? contents.get(tensor)! : (tensor.data as Float32Array)),
  };
}

describe("a growing KV cache whose presents stay on a device", () => {
  type Device = ReturnType<typeof createDevice>;
  type Cache = ReturnType<typeof createGrowingKvCache>;

  /** Appends `marks`: every head holds them as they are, and the head's number in the hundreds. */
  async function forward(cache: Cache, device: Device, marks: readonly number[], fails: boolean): Promise<void> {
    const { length } = cache;
    const total = length + marks.length;
    const feeds: Feeds = {};
    await cache.bind(total, feeds, {});
    if (fails) return;
    const results = SLOTS.map(({ past, present }) => {
      const old = device.read(feeds[past] as Tensor);
      const data = new Float32Array(HEADS * total);
      for (let head = 0; head < HEADS; head++) {
        data.set(old.subarray(head * length, (head + 1) * length), head * total);
        for (let i = 0; i < marks.length; i++) data[head * total + length + i] = head * 100 + marks[i]!;
      }
      return [present, device.tensor(data, [1, HEADS, total, 1])] as const;
    });
    cache.commit(total, Object.fromEntries(results));
  }

  const steps = fc.array(
    fc.record({ marks: fc.array(fc.nat(99), { minLength: 1, maxLength: 5 }), keep: fc.nat(30), fails: fc.boolean() }),
    { minLength: 1, maxLength: 20 },
  );

  it("holds every live position through forwards, rewinds and failures, and frees what no rewind leads to", async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (schedule) => {
        const device = createDevice();
        const cache = createGrowingKvCache(SLOTS, Tensor);
        let text: number[] = [];
        for (const { marks, keep, fails } of schedule) {
          await forward(cache, device, marks, fails);
          if (!fails) text.push(...marks);
          text = text.slice(0, Math.min(keep, text.length));
          cache.rewind(text.length);
          expect(device.live.size).toBeLessThanOrEqual(2 * SLOTS.length);
        }
        const feeds: Feeds = {};
        await cache.bind(text.length, feeds, {});
        for (const { past } of SLOTS) {
          const tensor = feeds[past] as Tensor;
          expect(tensor.dims).toEqual([1, HEADS, text.length, 1]);
          expect(Array.from(device.read(tensor))).toEqual([0, 100].flatMap((head) => text.map((mark) => head + mark)));
        }
        cache.release();
        expect(device.live.size).toBe(0);
      }),
    );
  });

  it("says which output cannot be read back, and what to do", async () => {
    const device = createDevice({ readable: false });
    const cache = createGrowingKvCache(SLOTS, Tensor);
    await forward(cache, device, [1, 2, 3], false);
    cache.rewind(2);
    await expect(cache.bind(2, {}, {})).rejects.toMatchObject({
      code: "unsupported-model",
      message: expect.stringMatching(/output present\.key: .*preferredOutputLocation/),
    });
  });
});

describe("readBack", () => {
  it("brings the elements to the CPU and frees the device's; a tensor of the CPU is left alone", async () => {
    const device = createDevice();
    const tensor = device.tensor(Float32Array.of(1, 2), [2]);
    await readBack("logits", tensor);
    expect([onDevice(tensor), tensor.data, device.live.size]).toEqual([false, Float32Array.of(1, 2), 0]);
    freeOnDevice([tensor]);
    await readBack("logits", tensor);
    expect(tensor.data).toEqual(Float32Array.of(1, 2));
  });
});
