/**
 * Processes long lists of a request in time slices, without blocking the event loop.
 *
 * @module
 */

import { TimeSlice } from "../../storage/time_slice.ts";

/** Lists up to this length are processed without yielding, even if their strings are long. */
const SHORT = 64;
/** Items processed concurrently if processing is asynchronous; they share disk writes. */
const AT_ONCE = 1000;

/** Concurrent metadata changes, each of which costs more than a look-up. */
export const CHANGES_AT_ONCE = 100;

/** Like `Array.from(items, map)`, but yields to the event loop if there are many items. */
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
 * Like {@linkcode mapEach} for an asynchronous `map`; many items are processed concurrently.
 *
 * @param map Must not reject.
 * @param atOnce Number of concurrent items; low if each is expensive. Default: 1000.
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
    // Awaited one by one: `Promise.all` on very many promises would block the event loop.
    for (const result of begun) results.push(result instanceof Promise ? await result : result);
  }
  return results;
}

/** Like {@linkcode mapEach} for nested lists: `map` gets each inner item with its outer item. */
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

/** An item that a list contains once or more. */
export interface NamedItem<T> {
  /** The last occurrence. */
  readonly item: T;
  readonly count: number;
}

/** Groups the items of a list by key, in the order of first occurrence. */
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

/** Sorts by UTF-16 code units, like `Array.prototype.sort`. */
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
