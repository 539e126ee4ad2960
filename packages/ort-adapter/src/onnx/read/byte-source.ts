/** Bytes that can be read at any position: a file, or memory. Synchronous: a graph is some hundred reads of a few KiB. */
export interface ByteSource {
  /** How errors call it. */
  readonly name: string;
  readonly byteLength: number;
  /** Bytes [offset, offset + length), fewer where the source ends before. */
  read(offset: number, length: number): Uint8Array;
}

/** The files of one model. */
export interface ModelFiles {
  readonly model: ByteSource;
  /**
   * The external-data file at `location`, relative to the model's folder. Absent where those files are out of reach, as in
   * a browser that only holds the graph: then external weights are neither checked nor hashed.
   * @throws NearfreeError `missing-file`, or `invalid-model` for a path that leaves the folder.
   */
  readonly external?: ((location: string) => ByteSource) | undefined;
}

/** A source over bytes in memory. */
export function byteSource(bytes: Uint8Array, name = "model"): ByteSource {
  return {
    name,
    byteLength: bytes.byteLength,
    read: (offset, length) => bytes.subarray(offset, offset + length),
  };
}
