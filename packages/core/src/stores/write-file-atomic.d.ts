declare module "write-file-atomic" {
  /** Writes to a temporary file in the same folder, fsyncs it and renames it over `path`. */
  // biome-ignore lint/style/noDefaultExport: the shape of the package.
  export default function writeFileAtomic(path: string, data: string): Promise<void>;
}
