import type { FileHandle } from "node:fs/promises";

/** Writes every byte, at `position` or where the last write ended; one write call may take fewer than asked. */
export async function writeAll(file: FileHandle, bytes: Uint8Array, position?: number): Promise<void> {
  let done = 0;
  while (done < bytes.byteLength) {
    const at = position === undefined ? null : position + done;
    done += (await file.write(bytes, done, bytes.byteLength - done, at)).bytesWritten;
  }
}
