/** What the place that it runs in has to offer. */
export async function platformScenario(_options: Record<string, never>) {
  const { gpu } = navigator as { gpu?: { requestAdapter(): Promise<{ info: { architecture: string } } | null> } };
  const adapter = await gpu?.requestAdapter();
  return {
    page: "document" in self,
    isolated: self.crossOriginIsolated,
    gpu: adapter?.info.architecture,
  };
}
