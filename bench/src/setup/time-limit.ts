/** True until `seconds` have passed since this call. */
export function timeLimit(seconds: number): () => boolean {
  const end = performance.now() + seconds * 1000;
  return () => performance.now() < end;
}
