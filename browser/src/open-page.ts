import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { bundle } from "./bundle.ts";
import { CHROMIUM_FLAGS } from "./chromium.ts";
import type { PageEntry } from "./page/main.ts";
import type { ScenarioName, Scenarios } from "./page/scenarios.ts";
import { serve } from "./serve.ts";

const ORT_FOLDER = dirname(fileURLToPath(import.meta.resolve("onnxruntime-web/ort-wasm-simd-threaded.wasm")));

/** Where a scenario runs. */
export type Place = "page" | "worker";

export interface OpenPage {
  /** Runs a scenario there. @throws what it throws, and for an error that the page did not catch. */
  run<Name extends ScenarioName>(
    place: Place,
    name: Name,
    options: Parameters<Scenarios[Name]>[0],
  ): Promise<Awaited<ReturnType<Scenarios[Name]>>>;
  close(): Promise<void>;
}

/** A page of headless Chromium with the scenarios in it, and `models` at their paths. ONNX Runtime is served as it is published. */
export async function openPage(executablePath: string, models: ReadonlyMap<string, Uint8Array>): Promise<OpenPage> {
  const { files, imports } = await bundle(
    { main: "./dist/page/main.js", worker: "./dist/page/worker.js" },
    {
      keep: {
        "onnxruntime-web/wasm": "/ort/ort.wasm.bundle.min.mjs",
        "onnxruntime-web/webgpu": "/ort/ort.webgpu.bundle.min.mjs",
      },
    },
  );
  const foreign = imports.filter((name) => !name.startsWith("/ort/"));
  if (foreign.length > 0) throw new Error(`no browser has ${foreign.join(", ")}`);
  const pages = new Map<string, string | Uint8Array>(models);
  for (const [name, code] of files) pages.set(`/${name}`, code);
  pages.set(
    "/index.html",
    '<!doctype html><link rel="icon" href="data:,"><script type="module" src="/main.js"></script>',
  );

  const server = await serve(pages, { at: "/ort/", path: ORT_FOLDER });
  const browser = await chromium.launch({ executablePath, args: CHROMIUM_FLAGS }).catch(async (error: unknown) => {
    await server.close();
    throw error;
  });
  const close = async () => {
    await browser.close();
    await server.close();
  };
  try {
    const page = await browser.newPage();
    const uncaught: Error[] = [];
    page.on("pageerror", (error) => uncaught.push(error));
    await page.goto(`${server.origin}/index.html`);
    await page.waitForFunction("'nearfree' in self");
    return {
      async run(place, name, options) {
        const result = await page.evaluate(
          ([place, call]) => {
            const { nearfree } = self as unknown as { nearfree: PageEntry };
            return place === "page" ? nearfree.inPage(call) : nearfree.inWorker(call);
          },
          [place, { name, options }] as const,
        );
        if (uncaught.length > 0) throw uncaught[0];
        return result as never;
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
