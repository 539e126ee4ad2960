import { type FileHandle, open } from "node:fs/promises";
import { basename } from "node:path";
import type { StoredData } from "../model.ts";
import { writeAll } from "./write-all.ts";

/** Tensors below this stay in the model file: shapes are inferred from them. */
export const INLINE_BELOW_BYTES = 1024;

/** Start of each external tensor: the mapping granularity of every platform divides it. */
const ALIGNMENT_BYTES = 65_536;

/** A file of external data while tensors are appended to it, beside the model that will refer to them. */
export class DataFile {
  /** Its name, as the model refers to it. */
  readonly location: string;
  readonly #file: FileHandle;
  readonly #parts = new WeakSet<StoredData>();
  #end = 0;

  private constructor(location: string, file: FileHandle) {
    this.location = location;
    this.#file = file;
  }

  /** Makes the file at `path`, or empties it, for as long as `use` takes. What the file system says passes through. */
  static async write<T>(path: string, use: (data: DataFile) => Promise<T>): Promise<T> {
    const file = await open(path, "w");
    try {
      return await use(new DataFile(basename(path), file));
    } finally {
      await file.close();
    }
  }

  /** Appends the bytes of one tensor, given in pieces, and returns where they are. */
  async append(pieces: Iterable<Uint8Array>): Promise<StoredData> {
    const offset = Math.ceil(this.#end / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
    let end = offset;
    for (const piece of pieces) {
      await writeAll(this.#file, piece, end);
      end += piece.byteLength;
    }
    this.#end = end;
    const part = { location: this.location, offset, length: end - offset };
    this.#parts.add(part);
    return part;
  }

  /** Whether `append` returned this: another file of the same name may be meant. */
  holds(stored: StoredData): boolean {
    return this.#parts.has(stored);
  }

  /** Bytes written so far, with the room between tensors. */
  get byteLength(): number {
    return this.#end;
  }

  /** Has everything on the disk. */
  sync(): Promise<void> {
    return this.#file.sync();
  }
}
