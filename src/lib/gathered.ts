/**
 * Writes at most one line in a while of things that happen thousands of times: the first at once, those
 * after it counted by kind.
 * @param write gets how often each kind happened since the last line
 * @param milliseconds between two lines
 * @returns `note`, for each that happens, and `flush`, for what is counted and not written yet
 */
export function gathered(
  write: (counts: Readonly<Record<string, number>>) => void,
  milliseconds = 1_000,
): { note: (kind: string) => void; flush: () => void } {
  const counts = new Map<string, number>();
  let timer: NodeJS.Timeout | undefined;

  function flush(): void {
    clearTimeout(timer);
    timer = undefined;
    if (counts.size === 0) return;
    write(Object.fromEntries(counts));
    counts.clear();
    timer = setTimeout(flush, milliseconds).unref();
  }

  function note(kind: string): void {
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
    if (!timer) flush();
  }

  return { note, flush };
}
