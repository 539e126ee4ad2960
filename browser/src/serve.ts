import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { basename, extname } from "node:path";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
};

export interface Server {
  readonly origin: string;
  close(): Promise<void>;
}

/**
 * Serves `files` by path, and the plain files of a folder below `folder.at`, on this machine only. The headers isolate the page, so that it
 * has shared memory and the finer clock.
 */
export async function serve(
  files: ReadonlyMap<string, string | Uint8Array>,
  folder: { readonly at: string; readonly path: string },
): Promise<Server> {
  const find = async (path: string): Promise<string | Uint8Array | undefined> => {
    if (!path.startsWith(folder.at)) return files.get(path);
    return readFile(`${folder.path}/${basename(path)}`).catch(() => undefined);
  };
  const server = createServer(async ({ url = "/" }, response) => {
    const { pathname } = new URL(url, "http://localhost");
    const body = await find(pathname);
    response.writeHead(body === undefined ? 404 : 200, {
      "content-type": TYPES[extname(pathname)] ?? "application/octet-stream",
      "cross-origin-opener-policy": "same-origin",
      "cross-origin-embedder-policy": "require-corp",
      "cross-origin-resource-policy": "same-origin",
    });
    response.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
