import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { dirname, join } from "node:path";
import { NearfreeError } from "@nearfree/core";
import type { ByteSource, ModelFiles } from "./byte-source.ts";
import { insideFolder } from "./inside-folder.ts";

/** Files of a model that stay open until `close`. */
export interface OpenModelFiles extends ModelFiles {
  close(): void;
}

/**
 * Opens a model file; its external-data files are opened when they are asked for.
 * @throws NearfreeError `missing-file` where `path` cannot be opened or is no file.
 */
export function openModelFiles(path: string): OpenModelFiles {
  const opened = new Map<string, ByteSource>();
  const descriptors: number[] = [];
  const open = (file: string, remedy: string) => {
    let source = opened.get(file);
    if (source === undefined) {
      const descriptor = openFile(file, remedy);
      descriptors.push(descriptor);
      source = fileSource(file, descriptor);
      opened.set(file, source);
    }
    return source;
  };
  const close = () => {
    for (const descriptor of descriptors.splice(0)) closeSync(descriptor);
  };
  return {
    model: open(path, "give the path of an .onnx file"),
    external: (location) => open(join(dirname(path), insideFolder(path, location)), "put it beside the model"),
    close,
  };
}

function openFile(file: string, remedy: string): number {
  const missing = (received: string, cause?: unknown) =>
    new NearfreeError({
      code: "missing-file",
      from: "ort-adapter",
      what: file,
      expected: "a file",
      received,
      remedy,
      cause,
    });
  let descriptor: number;
  try {
    descriptor = openSync(file, "r");
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    throw missing(code === "ENOENT" || code === "ENOTDIR" ? "no such file" : String(code ?? cause), cause);
  }
  if (!fstatSync(descriptor).isFile()) {
    closeSync(descriptor);
    throw missing("something that is not a file");
  }
  return descriptor;
}

function fileSource(name: string, descriptor: number): ByteSource {
  const byteLength = fstatSync(descriptor).size;
  return {
    name,
    byteLength,
    read(offset, length) {
      const bytes = new Uint8Array(Math.max(0, Math.min(length, byteLength - offset)));
      let filled = 0;
      while (filled < bytes.length) {
        const count = readSync(descriptor, bytes, filled, bytes.length - filled, offset + filled);
        if (count === 0) break;
        filled += count;
      }
      return filled === bytes.length ? bytes : bytes.subarray(0, filled);
    },
  };
}
