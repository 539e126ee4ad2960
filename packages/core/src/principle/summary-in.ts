import type { GraphSummary, RewrittenForm } from "./graph-summary.ts";

/** What the model's graph would be summarised as once it is rewritten in `form`: other attention, everything else as it was. */
export function summaryIn(summary: GraphSummary, form: "original" | RewrittenForm): GraphSummary {
  if (form === "original") return summary;
  const modules = summary.modules.map((module) =>
    module.kvBytesPerPosition > 0 ? { ...module, kernel: { ...module.kernel, cache: form } } : module,
  );
  return { ...summary, modules };
}
