/**
 * Works on many logs at the same time.
 *
 * @module
 */

/** How many at a time: a disk syncs no faster with more, and reads would wait. */
const CONCURRENCY = 32;

/** Calls `each` for every item, a bounded number at a time. It must not throw. */
export async function inParallel<T>(
  items: Iterable<T>,
  each: (item: T) => Promise<void>,
): Promise<void> {
  const all = [...items];
  const queue = all.values();
  const work = async () => {
    for (const item of queue) await each(item);
  };
  await Promise.all(Array.from({ length: Math.min(CONCURRENCY, all.length) }, work));
}
