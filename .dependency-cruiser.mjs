// The order of the rooms: a folder imports from those before it in its list, and from itself. `npm run check` runs it; imports of
// types count. Tests and testing/ may reach anywhere; a package's entries (files beside the folders) too.
const rooms = {
  "packages/core/src": ["contracts", "profile", "principle", "schedule", "decode", "stores"],
  "packages/core/src/schedule": ["policy", "learning", "batch"],
  "packages/core/src/decode": ["draft", "verify"],
  "packages/ort-adapter/src": ["onnx", "build", "rewrite", "probes", "environment", "runner", "model-folder", "hook"],
  "packages/ort-adapter/src/onnx": ["read", "graph", "write"],
  "packages/ort-adapter/src/runner": ["cache", "trial", "batch"],
  "packages/calibrate/src": ["measure", "signature", "report", "node", "cli"],
  "packages/calibrate/src/cli": ["print", "commands"],
};

const order = Object.entries(rooms).flatMap(([house, names]) =>
  names.slice(0, -1).map((name, i) => ({
    name: `${house.split("/src")[0].split("/")[1]}: ${name} before ${names.slice(i + 1).join(", ")}`,
    severity: "error",
    from: { path: `^${house}/${name}/`, pathNot: "(\\.test\\.ts|\\.test-d\\.ts)$" },
    to: { path: `^${house}/(${names.slice(i + 1).join("|")})/` },
  })),
);

export default {
  forbidden: [
    ...order,
    { name: "no circles", severity: "error", from: {}, to: { circular: true } },
    {
      name: "testing is for tests",
      severity: "error",
      from: { path: "/src/", pathNot: "(\\.test\\.ts|\\.test-d\\.ts)$|/testing/" },
      to: { path: "/testing/", pathNot: "^packages/core/src/testing/index.ts$" },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.test.json" },
    doNotFollow: { path: "node_modules" },
    exclude: { path: "(^|/)(dist|node_modules)/" },
    enhancedResolveOptions: {
      conditionNames: ["@nearfree/source", "import", "types", "default"],
      exportsFields: ["exports"],
    },
  },
};
