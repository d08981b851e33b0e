// A list that grows page by page while its beginning changes.

/**
 * A first page that was read again, and what was held before: where the two meet, the held rows go on. Without a row in both nobody
 * knows what lies between them, and the first page stands alone; one without rows is not the whole list, and the rest goes on.
 */
export function joined<T>(first: T[], held: T[], key: (row: T) => unknown): T[] {
  const fresh = new Set(first.map(key));
  const last = held.findLastIndex((row) => fresh.has(key(row)));
  return last < 0 && first.length ? first : [...first, ...held.slice(last + 1)];
}
