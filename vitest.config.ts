import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: { conditions: ["@nearfree/source"] },
  ssr: { resolve: { conditions: ["@nearfree/source"], externalConditions: ["@nearfree/source"] } },
  test: {
    include: [
      "packages/*/src/**/*.test.ts",
      "examples/src/**/*.test.ts",
      "bench/src/**/*.test.ts",
      "browser/src/**/*.test.ts",
      "scripts/**/*.test.ts",
    ],
    typecheck: { enabled: true, include: ["packages/*/src/**/*.test-d.ts"], tsconfig: "./tsconfig.test.json" },
    globalSetup: "scripts/test-cache.mjs",
    // Sessions of ONNX Runtime want the cores for themselves.
    maxWorkers: 2,
    // A shared machine may be many times slower than usual: a test that ends is right, however long it took.
    testTimeout: 240_000,
    hookTimeout: 240_000,
  },
});
