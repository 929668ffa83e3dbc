/**
 * Does something for many logs at a time: the disk takes as long for them as for a few.
 *
 * @module
 */

/** How many at a time. */
const CONCURRENCY = 64;

/** Calls `each` for all items, some at a time, and throws afterwards what they threw. */
export async function forEach<T>(
  items: Iterable<T>,
  each: (item: T) => Promise<void>,
): Promise<void> {
  const errors: unknown[] = [];
  const queue = Array.from(items).values();
  await Promise.all(Array.from({ length: CONCURRENCY }, async () => {
    for (const item of queue) {
      try {
        await each(item);
      } catch (error) {
        errors.push(error);
      }
    }
  }));
  throwAny(errors);
}

/** Throws what others threw: the error, or all of them as one. */
export function throwAny(errors: readonly unknown[]): void {
  if (errors.length === 1) throw errors[0];
  if (errors.length > 1) throw new AggregateError(errors, `${errors.length} logs failed`);
}
