/**
 * Long lists of requests, worked on without holding up the rest of the broker.
 *
 * @module
 */

import { TimeSlice } from "../../storage/mod.ts";

/** Lists up to this are worked on at a stretch, be the names in them as long as they may. */
const SHORT = 64;
/** Items that are worked on at once, where that takes a wait; they share writes to disk. */
const AT_ONCE = 1000;

/** Changes of metadata that are worked on at once: each takes more than a look-up does. */
export const CHANGES_AT_ONCE = 100;

/** Does what `Array.from(items, map)` does, and gives way on the way if there are many. */
export function mapEach<T, U>(items: readonly T[], map: (item: T) => U): U[] | Promise<U[]> {
  return items.length <= SHORT ? Array.from(items, (item) => map(item)) : mapLong(items, map);
}

async function mapLong<T, U>(items: readonly T[], map: (item: T) => U): Promise<U[]> {
  const mapped: U[] = [];
  const slice = new TimeSlice();
  for (const item of items) {
    mapped.push(map(item));
    if (slice.isOver) await slice.pause();
  }
  return mapped;
}

/**
 * As {@linkcode mapEach}, where each item may take a wait: many are worked on at once.
 *
 * @param map Must not fail.
 * @param atOnce How many to work on at once; few where each is much work. Default: 1000.
 */
export async function awaitEach<T, U>(
  items: readonly T[],
  map: (item: T) => U | Promise<U>,
  atOnce = AT_ONCE,
): Promise<U[]> {
  if (items.length <= Math.min(SHORT, atOnce)) {
    return await Promise.all(Array.from(items, (item) => map(item)));
  }
  const results: U[] = [];
  const slice = new TimeSlice();
  for (let at = 0; at < items.length; at += atOnce) {
    const begun: (U | Promise<U>)[] = [];
    for (const item of items.slice(at, at + atOnce)) {
      begun.push(map(item));
      if (slice.isOver) await slice.pause();
    }
    // One by one: a list of as many promises as there are items would be settled at a stretch.
    for (const result of begun) results.push(result instanceof Promise ? await result : result);
  }
  return results;
}

/** As {@linkcode mapEach} for a list of lists: `map` is given each item with the list it is in. */
export async function mapNested<O, T, U>(
  outer: readonly O[],
  inner: (of: O) => readonly T[],
  map: (of: O, item: T) => U,
): Promise<[of: O, results: U[]][]> {
  const mapped: [O, U[]][] = [];
  const slice = new TimeSlice();
  for (const of of outer) {
    const results: U[] = [];
    for (const item of inner(of)) {
      results.push(map(of, item));
      if (slice.isOver) await slice.pause();
    }
    mapped.push([of, results]);
    if (slice.isOver) await slice.pause();
  }
  return mapped;
}

/** What a list names once or more. */
export interface NamedItem<T> {
  /** As it was named last. */
  readonly item: T;
  readonly count: number;
}

/** The items of a list by what they name, in the order of their first mention. */
export async function byName<T, K>(
  items: readonly T[],
  nameOf: (item: T) => K,
): Promise<Map<K, NamedItem<T>>> {
  const named = new Map<K, NamedItem<T>>();
  const slice = new TimeSlice();
  for (const item of items) {
    const name = nameOf(item);
    named.set(name, { item, count: (named.get(name)?.count ?? 0) + 1 });
    if (slice.isOver) await slice.pause();
  }
  return named;
}

/** Texts in the order of their UTF-16 units, as `Array.prototype.sort` has them. */
export async function sortTexts(texts: readonly string[]): Promise<string[]> {
  const slice = new TimeSlice();
  let runs: string[][] = [];
  for (let at = 0; at < texts.length; at += AT_ONCE) {
    runs.push(texts.slice(at, at + AT_ONCE).sort());
    if (slice.isOver) await slice.pause();
  }
  while (runs.length > 1) {
    const merged: string[][] = [];
    for (let i = 0; i < runs.length; i += 2) {
      merged.push(i + 1 < runs.length ? await merge(runs[i]!, runs[i + 1]!, slice) : runs[i]!);
    }
    runs = merged;
  }
  return runs[0] ?? [];
}

async function merge(
  left: readonly string[],
  right: readonly string[],
  slice: TimeSlice,
): Promise<string[]> {
  const merged: string[] = [];
  for (let i = 0, j = 0; i < left.length || j < right.length;) {
    const isLeft = j === right.length || (i < left.length && left[i]! <= right[j]!);
    merged.push(isLeft ? left[i++]! : right[j++]!);
    if (slice.isOver) await slice.pause();
  }
  return merged;
}
