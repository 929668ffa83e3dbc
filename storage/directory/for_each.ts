/**
 * Runs an operation on many logs concurrently: a disk syncs many files in the time of a few.
 *
 * @module
 */

/** How many run at a time. */
const CONCURRENCY = 64;

/** Calls `each` for every item, a bounded number at a time, and throws their errors at the end. */
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

/** Throws the error if there is one, or an `AggregateError` of several. */
export function throwAny(errors: readonly unknown[]): void {
  if (errors.length === 1) throw errors[0];
  if (errors.length > 1) throw new AggregateError(errors, `${errors.length} logs failed`);
}
